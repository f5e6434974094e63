-- The 50 clips whose lips go least with the voice: dubbed, out of sync, a picture that stands
-- late_ms: how much later the picture comes than its sound; voice: Pearson's r of the lips with what the voice lets
-- expect, at that lag; closure: how open the lips are at p, b and m, 0 shut, 0.5 chance; frozen_s: longest standstill.
SELECT clip_id, path, keep, reason, round(40 * lip_voice_lag) AS late_ms, round(lip_voice_corr, 2) AS voice,
       round(closure_rank, 2) AS closure, closures, round(frozen_s, 2) AS frozen_s
FROM clip_sources
WHERE lip_voice_lag IS NOT NULL
ORDER BY abs(lip_voice_lag) > 2 DESC, lip_voice_corr, clip_id
LIMIT 50
