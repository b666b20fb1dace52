# What --fix would write, as a patch; nothing is written. Comments go along with what they are about.
mkdir migrations
printf '[project]\nmigrations = migrations\n' >pgrail.conf
printf -- '-- rationale: labels are searched\nALTER TABLE owners ADD COLUMN note text;\n-- for the search\nCREATE INDEX items_label ON items (label); -- by label\nalter table items add constraint items_owner foreign key (owner_id) references owners (id)' >migrations/0001_labels.up.sql
printf 'ALTER TABLE items DROP CONSTRAINT items_owner;\nDROP INDEX items_label;\nALTER TABLE owners DROP COLUMN note;\n' >migrations/0001_labels.down.sql
$PGRAIL check --diff | tee patch
git init -q . && git apply --check patch && echo it applies
ls migrations
