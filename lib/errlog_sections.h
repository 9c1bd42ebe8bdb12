/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parts of an RTAS event log that are only read. Internal to libfwnmi.
 */
#ifndef LIB_ERRLOG_SECTIONS_H
#define LIB_ERRLOG_SECTIONS_H

#include <fwnmi/errlog.h>

/* The header that every section of a version 6 log opens with. */
void fwnmi_errlog_get_header(struct fwnmi_section_header *header, const uint8_t *p);

/*
 * A section of @length bytes that only the decoder knows; others, and short ones, are left alone.
 */
void fwnmi_errlog_get_section(struct fwnmi_errlog *log, const uint8_t *p, uint16_t id,
			      size_t length);

/* The FRU call outs behind a primary SRC whose fixed fields are decoded. */
void fwnmi_errlog_get_callouts(struct fwnmi_primary_src *src, const uint8_t *p, size_t length);

/* The extended part, of @length bytes, of versions 3 to 5. */
void fwnmi_errlog_get_old(struct fwnmi_errlog *log, const uint8_t *p, size_t length);

#endif
