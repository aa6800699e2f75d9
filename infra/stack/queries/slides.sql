-- Results of each slide, which is a folder of keys, as `cellflag results --summary` shows them; no verdict on a patient
-- lambda_fn/slides.py defines the figures. A share is stated of five scored cells or more, with Wilson's 95 % interval, as
-- if the cells were independent. To group by the first two folders of a key, write {0,2} in place of the last * of both
-- patterns. An image whose key is too long for a result counts here as rejected, and nowhere on the command line.
select
    slide,
    images,
    decided_all,
    decided_normal,
    for_review,
    rejected,
    scored,
    scored_all,
    case when scored >= 5 then round(1e0 * scored_all / scored, 6) end as share_all,
    case when scored >= 5 then round(greatest(centre - reach, 0e0), 6) end as share_all_low,
    case when scored >= 5 then round(least(centre + reach, 1e0), 6) end as share_all_high,
    case when scored >= 5 then round(mean_probability_all, 6) end as mean_probability_all,
    models,
    case when models = 1 then one_model end as model
from (
    select
        *,
        (scored_all + 3.841459e0 / 2) / (scored + 3.841459e0) as centre,
        case when scored > 0 then
            1.959964e0 / (scored + 3.841459e0)
            * sqrt(1e0 * scored_all * (scored - scored_all) / scored + 3.841459e0 / 4)
        end as reach
    from (
        select
            regexp_extract(image."key", '^([^/]*/)*') as slide,
            count(*) as images,
            sum(case when decision = 'ALL' then 1 else 0 end) as decided_all,
            sum(case when decision = 'normal' then 1 else 0 end) as decided_normal,
            sum(case when decision = 'review' and status = 'scored' then 1 else 0 end) as for_review,
            sum(case when status = 'rejected' then 1 else 0 end) as rejected,
            sum(case when status = 'scored' then 1 else 0 end) as scored,
            sum(case when prediction.label = 'ALL' then 1 else 0 end) as scored_all,
            avg(prediction.probability_all) as mean_probability_all,
            count(distinct case when status = 'scored' then model.version end) as models,
            max(case when status = 'scored' then model.version end) as one_model
        from newest
        group by regexp_extract(image."key", '^([^/]*/)*')
    ) as counted
) as measured
order by slide
