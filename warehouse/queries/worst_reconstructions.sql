-- The 20 kept clips whose head fits worst: look at these first
-- Errors in per cent of the inter-ocular distance; p95 over frames.
SELECT clip_id, path, recon_nme_p95, recon_nme, recon_lip_nme, recon_lip_gap_corr, recon_jitter, yaw_deg, face_px
FROM clip_sources
WHERE keep
ORDER BY recon_nme_p95 DESC, clip_id
LIMIT 20
