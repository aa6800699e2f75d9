-- Scores of each model by day; a mean, spread or share that moves without a change in the mix of cells is drift
select
    dt,
    model.version as model,
    count(*) as images,
    round(avg(prediction.probability_all), 4) as mean_probability_all,
    round(stddev_samp(prediction.probability_all), 4) as spread,
    round(100.0 * sum(case when decision = 'review' then 1 else 0 end) / count(*), 1) as review_percent,
    round(100.0 * sum(case when decision = 'ALL' then 1 else 0 end) / count(*), 1) as decided_all_percent,
    round(100.0 * sum(case when decision = 'normal' then 1 else 0 end) / count(*), 1) as decided_normal_percent
from newest
where status = 'scored'
group by dt, model.version
order by dt desc, model
