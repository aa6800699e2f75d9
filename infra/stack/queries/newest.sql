-- One row for each image, its newest answer. The ledger only grows: repeated messages, late messages and new models add
-- lines. A "stale" line lost to a newer version of its image; after a "withdrawn" line the image is gone.
select *
from (
    select
        *,
        row_number() over (partition by image.bucket, image."key" order by scored_at desc, outcome desc) as age
    from ledger
    where outcome <> 'stale'
) as ranked
where age = 1 and outcome <> 'withdrawn'
