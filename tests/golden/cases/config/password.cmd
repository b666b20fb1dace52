# Each is refused, and none is shown again.
for line in 'service = postgres://me:s3cr3t@db/app' 'service = host=db password=s3cr3t' 'password = s3cr3t'; do
    printf '[environment production]\n%s\n' "$line" >pgrail.conf
    $PGRAIL doctor
done
