/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pattern in memory, and whether it is still there.
 */
#ifndef FWNMI_PAYLOAD_LAB_MEMORY_H
#define FWNMI_PAYLOAD_LAB_MEMORY_H

#include "common.h"

/** memory_begin() - map PATTERN_ADDRESS (registers.h) and fill it */
void memory_begin(void);
/** memory_verify() - report what differs, and fill it anew */
void memory_verify(void);

/** pattern_fill() - a pattern that tells each doubleword from all others */
void pattern_fill(uint64_t *at, unsigned count, uint64_t seed);
/** pattern_holds() - whether it is still there, in few instructions */
bool pattern_holds(const uint64_t *at, unsigned count, uint64_t seed);
/** pattern_verify() - whether it is still there; reports what differs and fills it anew */
void pattern_verify(uint64_t *at, unsigned count, uint64_t seed);

#endif
