-- The 20 kept clips whose head fits worst: look at these first (`xtalker show`)
-- worst: the evidence furthest out, in standard deviations of all kept clips. heldout, jitter: per cent of the
-- inter-ocular distance, jitter above a motionless head's; drift: between two halves' faces, mm; closure: how open the
-- lips are at p, b and m, 0 shut, 0.5 chance; lag: frames by which the picture is late. Null: could not be measured.
WITH evidence AS (
    UNPIVOT (SELECT clip_id, recon_nme_p95, recon_heldout_nme, recon_lip_nme, recon_jitter_excess, recon_drift_mm,
                    closure_rank, abs(lip_voice_lag) AS lip_voice_lag, -lip_voice_corr AS lip_voice_corr FROM kept)
    ON COLUMNS(* EXCLUDE clip_id) INTO NAME score VALUE value
), placed AS (
    SELECT clip_id, score, (value - avg(value) OVER (PARTITION BY score))
                           / nullif(stddev_pop(value) OVER (PARTITION BY score), 0) AS out
    FROM evidence
), worst AS (
    SELECT clip_id, arg_max(score, out) AS worst, max(out) AS out FROM placed GROUP BY clip_id
)
SELECT c.clip_id, c.path, w.worst, round(w.out, 1) AS out, round(c.recon_nme_p95, 2) AS nme_p95,
       round(c.recon_heldout_nme, 2) AS heldout, round(c.recon_lip_nme, 2) AS lips,
       round(c.recon_jitter_excess, 2) AS jitter, round(c.recon_drift_mm, 2) AS drift,
       round(c.closure_rank, 2) AS closure, round(c.lip_voice_corr, 2) AS voice, round(c.lip_voice_lag, 1) AS lag
FROM clip_sources c
LEFT JOIN worst w USING (clip_id)
WHERE c.keep
ORDER BY w.out DESC NULLS LAST, c.recon_nme_p95 DESC, c.clip_id
LIMIT 20
