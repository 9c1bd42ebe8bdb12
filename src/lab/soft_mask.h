/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux's soft mask of interrupts: a byte of the CPU's PACA, which its code for interrupts is to
 * leave as it was. Where it is differs by kernel, and is found in the kernel's own code.
 */
#ifndef FWNMI_LAB_SOFT_MASK_H
#define FWNMI_LAB_SOFT_MASK_H

#include "base/symbols.h"

#define SOFT_MASK_UNKNOWN 0 /* Linux has a lock word there */

/** soft_mask_offset() - in the PACA; SOFT_MASK_UNKNOWN if it can't be told */
unsigned soft_mask_offset(const struct symbols *symbols);

#endif
