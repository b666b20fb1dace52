alter type e add value if not exists 'x' before 'y';
alter domain s.d add constraint dc check (value > 0);
create domain s.d as citext check (value <> '');
