-- Images by the first folder of their key, such as a slide or a plate
select
    split_part(image."key", '/', 1) as prefix,
    count(*) as images,
    sum(case when decision = 'ALL' then 1 else 0 end) as decided_all,
    sum(case when decision = 'normal' then 1 else 0 end) as decided_normal,
    sum(case when decision = 'review' then 1 else 0 end) as to_review,
    sum(case when status = 'rejected' then 1 else 0 end) as rejected
from newest
where strpos(image."key", '/') > 0
group by split_part(image."key", '/', 1)
order by images desc, prefix
