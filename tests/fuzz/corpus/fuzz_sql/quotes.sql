SELECT E'a\'b'
 'c;', $x$;$x$, U&"a", 'b''c'; SELEC;
