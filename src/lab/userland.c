// SPDX-License-Identifier: BSD-2-Clause
/*
 * The userland that comes with fwnmi; payload/lab/pack.py makes the bytes.
 */
#include "lab/userland.h"

extern const size_t lab_userland_little_size, lab_userland_big_size;
extern const unsigned char lab_userland_little[], lab_userland_big[];

const void *lab_userland(bool big_endian, size_t *size)
{
	*size = big_endian ? lab_userland_big_size : lab_userland_little_size;
	if (!*size)
		return NULL;
	return big_endian ? lab_userland_big : lab_userland_little;
}
