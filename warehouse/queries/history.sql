-- How the warehouse grew, a row for each snapshot
-- sources, clips: rows it brought, replaced ones included. minutes_since: the snapshot before it.
WITH ours AS (
    SELECT snapshot_id, snapshot_time, commit_extra_info::JSON AS info
    FROM ducklake_snapshots('lake')
    WHERE author = 'xtalker'
)
SELECT snapshot_id AS snapshot, strftime(snapshot_time AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S') AS utc,
       info->>'$.kind' AS kind, coalesce((info->>'$.rows.sources')::BIGINT, 0) AS sources,
       coalesce((info->>'$.rows.clips')::BIGINT, 0) AS clips,
       round(epoch(snapshot_time - lag(snapshot_time) OVER (ORDER BY snapshot_id)) / 60, 1) AS minutes_since,
       info->>'$.recipe.tier' AS tier, info->>'$.code_version' AS code
FROM ours
ORDER BY snapshot_id
