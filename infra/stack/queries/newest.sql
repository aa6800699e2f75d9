-- One line an image: the newest answer. The ledger only ever grows, so a message that came twice, a late one, and each
-- new model leave further lines; "stale" ones were outrun by a newer version of their image, and after a "withdrawn" one
-- the image is gone.
select *
from (
    select
        *,
        row_number() over (partition by image.bucket, image."key" order by scored_at desc, outcome desc) as age
    from ledger
    where outcome <> 'stale'
) as ranked
where age = 1 and outcome <> 'withdrawn'
