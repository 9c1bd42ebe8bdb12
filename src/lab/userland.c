// SPDX-License-Identifier: BSD-2-Clause
/*
 * The userland that comes with fwnmi; payload/lab/pack.py makes the bytes.
 */
#include "lab/userland.h"

extern const size_t lab_userland_size;
extern const unsigned char lab_userland_bytes[];

const void *lab_userland(size_t *size)
{
	*size = lab_userland_size;
	return lab_userland_size ? lab_userland_bytes : NULL;
}
