$PGRAIL init --production-service app_prod --staging-env STAGING_URL --approvers .pgrail/approvers | sed -n '1,/^$/p'
cat pgrail.conf
