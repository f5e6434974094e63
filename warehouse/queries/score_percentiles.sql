-- Percentiles of the scores over all candidates: where a threshold would cut
-- One row per score; low and high are the 1st and 99th percentile.
WITH long AS (
    UNPIVOT (SELECT COLUMNS(['duration_s', 'face_px', 'face_ratio', 'one_face_ratio', 'yaw_deg', 'pitch_deg', 'blur',
                             'mouth_occlusion', 'speech_ratio', 'snr_db', 'dnsmos_ovrl', 'recon_nme_p95',
                             'recon_lip_nme', 'recon_lip_gap_corr', 'recon_jitter', 'recon_heldout_nme',
                             'recon_drift_mm', 'recon_jitter_excess', 'frozen_s', 'closure_rank', 'lip_voice_corr',
                             'lip_voice_lag', 'gaze_deg', 'eyelids_shut_ratio', 'eyelid_asymmetry', 'expression_sd'])
            FROM clips)
    ON COLUMNS(*) INTO NAME score VALUE value
)
SELECT score, count(*) AS n, round(quantile_cont(value, 0.01), 3) AS low, round(quantile_cont(value, 0.05), 3) AS p05,
       round(quantile_cont(value, 0.5), 3) AS median, round(quantile_cont(value, 0.95), 3) AS p95,
       round(quantile_cont(value, 0.99), 3) AS high
FROM long
GROUP BY score
ORDER BY score
