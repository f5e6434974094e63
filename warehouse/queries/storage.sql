-- How much room each table takes
-- mb: of the newest snapshot's shards. Older snapshots keep what has been replaced since.
WITH files AS (
    SELECT 'sources' AS name, data_file_size_bytes AS bytes FROM ducklake_list_files('lake', 'sources')
    UNION ALL SELECT 'clips', data_file_size_bytes FROM ducklake_list_files('lake', 'clips')
    UNION ALL SELECT 'verdicts', data_file_size_bytes FROM ducklake_list_files('lake', 'verdicts')
    UNION ALL SELECT 'motion', data_file_size_bytes FROM ducklake_list_files('lake', 'motion')
    UNION ALL SELECT 'speech', data_file_size_bytes FROM ducklake_list_files('lake', 'speech')
),
counts AS (
    SELECT 'sources' AS name, count(*) AS n FROM sources
    UNION ALL SELECT 'clips', count(*) FROM clips
    UNION ALL SELECT 'verdicts', count(*) FROM verdicts
    UNION ALL SELECT 'motion', count(*) FROM motion
    UNION ALL SELECT 'speech', count(*) FROM speech
)
SELECT name AS table_name, any_value(n) AS row_count, count(bytes) AS shards,
       round(coalesce(sum(bytes), 0) / 1e6, 3) AS mb, round(coalesce(sum(bytes), 0) / nullif(any_value(n), 0)) AS bytes_a_row
FROM counts
LEFT JOIN files USING (name)
GROUP BY name
ORDER BY mb DESC, name
