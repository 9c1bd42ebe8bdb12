/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fields of a log without its list of sections, which the text shows as a table. Internal to
 * libfwnmi.
 */
#ifndef LIB_ERRLOG_FIELDS_H
#define LIB_ERRLOG_FIELDS_H

#include <fwnmi/errlog.h>

void fwnmi_errlog_visit_parts(const struct fwnmi_errlog *log,
			      const struct fwnmi_errlog_visitor *visitor, void *opaque);

/* Returns NULL if the id has no name. */
const char *fwnmi_section_name(unsigned id);

/* Did the decoded buffer end before the end of this section of the list? */
bool fwnmi_section_is_cut(const struct fwnmi_errlog *log, unsigned index);

#endif
