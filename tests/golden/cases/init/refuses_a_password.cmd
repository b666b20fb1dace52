$PGRAIL init --production-service 'postgres://me:s3cr3t@db/app'
status=$?
ls
exit $status
