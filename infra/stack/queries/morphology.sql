-- Size, outline and stain of the measured cells by first folder and decision: by default of those that people look at,
-- so decided ones are of audits.
select
    split_part(image."key", '/', 1) as prefix,
    decision,
    count(*) as measured,
    round(avg(morphology.cell_area_px), 0) as mean_area_px,
    round(avg(morphology.solidity), 3) as mean_solidity,
    round(100.0 * sum(case when morphology.clefts.number > 0 then 1 else 0 end) / count(*), 1) as clefted_percent,
    round(avg(morphology.chromatin_cv), 3) as mean_chromatin_cv,
    round(avg(morphology.pale_spots.number), 1) as mean_pale_spots,
    count(morphology.nc_ratio) as cytoplasm_visible,
    round(avg(morphology.nc_ratio), 3) as mean_nc_ratio
from newest
where morphology.cell_area_px is not null
group by 1, 2
order by 1, 2
