/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The userland that comes with fwnmi: payload/lab as an initramfs. Its README has the protocol.
 */
#ifndef FWNMI_LAB_USERLAND_H
#define FWNMI_LAB_USERLAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Effective addresses in the victim, and in the other workloads that verify memory. */
#define LAB_PATTERN_ADDRESS  UINT64_C(0x20000000) /* the first of the pages with a pattern */
#define LAB_PATTERN_DISTANCE UINT64_C(0x10000) /* from one to the next */
#define LAB_PATTERN_PAGES    4
#define LAB_PATTERN_SIZE     2048 /* bytes from each page's beginning on */
/* Code that runs with known values in registers, as a range for a trigger. */
#define LAB_WINDOW_RANGE     "0x18000000..0x1800ffff"

/**
 * lab_userland() - the initramfs, for kernels of this byte order
 * returns: NULL if fwnmi was built without a cross compiler for it
 */
const void *lab_userland(bool big_endian, size_t *size);

#endif
