/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decoders for the parts of an RTAS event log that are never written. Internal to libfwnmi.
 */
#ifndef LIB_ERRLOG_SECTIONS_H
#define LIB_ERRLOG_SECTIONS_H

#include <fwnmi/errlog.h>

/* The header at the start of every section of a version 6 log. */
void fwnmi_errlog_get_header(struct fwnmi_section_header *header, const uint8_t *p);

/*
 * Decodes a section of @length bytes that the encoder does not write. Ignores other sections, and
 * ones that are too short.
 */
void fwnmi_errlog_get_section(struct fwnmi_errlog *log, const uint8_t *p, uint16_t id,
			      size_t length);

/* The FRU call outs after a primary SRC whose fixed fields are already decoded. */
void fwnmi_errlog_get_callouts(struct fwnmi_primary_src *src, const uint8_t *p, size_t length);

/* The extended part of versions 3 to 5, @length bytes. */
void fwnmi_errlog_get_old(struct fwnmi_errlog *log, const uint8_t *p, size_t length);

#endif
