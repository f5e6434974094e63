-- Duplicates that were found: the same file again, or the same speech cut or encoded otherwise
-- bit_error_rate: of the two audio fingerprints, 0 is the same sound. repeats: the file that was there first.
SELECT v.reason AS kind, s.path, c.clip_id, round(v.measured, 3) AS bit_error_rate, v.detail,
       coalesce(o.path, nullif(regexp_extract(v.detail, '^the same bytes as (.*)$', 1), '')) AS repeats
FROM verdicts v
JOIN sources s USING (source_id)
LEFT JOIN clips c ON c.clip_id = v.subject_id
LEFT JOIN clips f ON f.clip_id = regexp_extract(v.detail, 'heard in clip (\S+)', 1)
LEFT JOIN sources o ON o.source_id = f.source_id
WHERE v.reason IN ('duplicate', 'near_duplicate')
ORDER BY kind, s.path, c.clip_id
