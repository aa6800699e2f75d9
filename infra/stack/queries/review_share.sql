-- Images that go to review, by model and reason, in percent; an image with several reasons counts for each
select
    model.version as model,
    reason,
    count(*) as images,
    round(100.0 * count(*) / max(answered), 1) as percent_of_all
from (
    select *, count(*) over (partition by model.version) as answered
    from newest
) as counted
cross join unnest(review.reasons) as unnested (reason)
where decision = 'review'
group by model.version, reason
order by model, images desc, reason
