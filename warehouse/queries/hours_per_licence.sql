-- Hours of kept clips per licence and consent
-- A row without a licence is material nobody said may be used.
SELECT dataset, licence, consent, count(*) AS clips, count(DISTINCT source_id) AS sources,
       round(sum(n_frames) / 25 / 3600, 3) AS hours
FROM clip_sources
WHERE keep
GROUP BY ALL
ORDER BY hours DESC, dataset, licence, consent
