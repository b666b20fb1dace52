/* postgres_headers.h: PostgreSQL's own headers as libpg_query ships them, with what they redefine undone. Included by
 * sql/nodes.h alone. A system header to the compiler: its warnings are not ours to mend. */
#ifndef PR_SQL_POSTGRES_HEADERS_H
#define PR_SQL_POSTGRES_HEADERS_H
#pragma GCC system_header

#include "postgres.h"

#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "nodes/primnodes.h"
#include "nodes/value.h"
#include "utils/memutils.h"

#include <pg_query.h>
#include "pg_query_internal.h"

/* port.h sends the printf family to pg_printf and so on, which libpg_query does not ship in full. */
#undef vsnprintf
#undef snprintf
#undef vsprintf
#undef sprintf
#undef vfprintf
#undef fprintf
#undef vprintf
#undef printf
#undef strerror
#undef strerror_r
#undef strtof
#undef qsort
/* c.h and elog.h take short names that are ours or the C library's. */
#undef Min
#undef Max
#undef Abs
#undef Assert
#undef _
#undef gettext
#undef dgettext
#undef ngettext
#undef dngettext
#undef DEBUG
#undef STDERR_BUFFER_LEN

#endif
