-- Why was this file refused? ($file: its path or the end of it, or its source id)
-- Every gate that said no, of the file, of its fragments and of its clips; from_s: where in the file it begins.
SELECT s.path, s.status, coalesce(c.clip_id, v.subject_id) AS subject, round(c.start_frame / 25, 2) AS from_s, v.gate,
       v.reason, round(v.measured, 3) AS measured, round(v.threshold, 3) AS threshold, v.detail
FROM sources s
JOIN verdicts v USING (source_id)
LEFT JOIN clips c ON c.clip_id = v.subject_id
WHERE NOT v.keep AND (ends_with(s.path, $file) OR s.source_id = $file)
ORDER BY s.path, c.start_frame NULLS FIRST, subject, v.gate
