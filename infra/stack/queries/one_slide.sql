-- Summary of one slide: all cells whose key begins with the parameter, such as 'plate 7/'
select
    count(*) as images,
    sum(case when decision = 'ALL' then 1 else 0 end) as decided_all,
    sum(case when decision = 'normal' then 1 else 0 end) as decided_normal,
    sum(case when decision = 'review' then 1 else 0 end) as to_review,
    sum(case when status = 'rejected' then 1 else 0 end) as rejected,
    round(avg(prediction.probability_all), 4) as mean_probability_all,
    min(scored_at) as first_scored_at,
    max(scored_at) as last_scored_at
from newest
where starts_with(image."key", ?)
