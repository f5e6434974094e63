-- Files that a machine's trouble kept out, not their content: `xtalker curate --retry-failed` offers them again
SELECT s.path, s.reason, round(s.duration_s, 1) AS duration_s, round(s.size_bytes / 1e6, 1) AS mb, v.detail
FROM sources s
JOIN verdicts v ON v.subject_id = s.source_id AND NOT v.keep
WHERE s.reason IN ('worker_crashed', 'timed_out', 'out_of_memory')
ORDER BY s.reason, s.path
