/* SPDX-License-Identifier: BSD-2-Clause */
/* Which build of the program this is. */
#ifndef FWNMI_BASE_BUILD_ID_H
#define FWNMI_BASE_BUILD_ID_H

#include <stddef.h>

#define BUILD_ID_MAX 64 /* bytes of text, with its NUL */

/**
 * build_id() - the running program's GNU build ID, in hexadecimal: the linker's hash of its
 * contents. "" if it has none.
 */
void build_id(char text[static BUILD_ID_MAX]);

#endif
