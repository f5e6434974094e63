-- Hours of kept clips per language and quality of sound
-- band: of DNSMOS's overall score, 1 to 5. recon_nme: error of the fit in per cent of the inter-ocular distance.
SELECT language, CASE WHEN dnsmos_ovrl >= 3.5 THEN '3.5 and more' WHEN dnsmos_ovrl >= 3 THEN '3 to 3.5'
                      WHEN dnsmos_ovrl >= 2.5 THEN '2.5 to 3' ELSE 'below 2.5' END AS band,
       count(*) AS clips, count(DISTINCT speaker_id) AS speakers, round(sum(n_frames) / 25 / 3600, 3) AS hours,
       round(avg(snr_db), 1) AS snr_db, round(avg(recon_nme), 2) AS recon_nme
FROM kept
GROUP BY language, band
ORDER BY language, min(dnsmos_ovrl) DESC
