-- Images by the day of their newest answer
select
    dt,
    count(*) as images,
    sum(case when decision = 'ALL' then 1 else 0 end) as decided_all,
    sum(case when decision = 'normal' then 1 else 0 end) as decided_normal,
    sum(case when decision = 'review' then 1 else 0 end) as to_review,
    sum(case when status = 'rejected' then 1 else 0 end) as rejected
from newest
group by dt
order by dt desc
