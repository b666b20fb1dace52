create statistics st on a, (b + c) from t;
vacuum (analyze) t (a, b);
begin; savepoint x; rollback to x; commit; rollback; prepare transaction 'x';
