mkdir migrations
echo '[project]' >pgrail.conf
printf -- '-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 2;\n' >migrations/00001_a.sql
printf -- '-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 2;\n' >migrations/00002_b.sql
printf -- '-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n' >migrations/00003_c.sql
$PGRAIL check --all
