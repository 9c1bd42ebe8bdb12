/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The checksum of libfwnmi's state records, written once more: bit by bit, for tests that change
 * records.
 */
#ifndef FAKES_STATE_RECORD_H
#define FAKES_STATE_RECORD_H

#include <stddef.h>
#include <stdint.h>

static inline uint32_t crc32c(const uint8_t *p, size_t length)
{
	uint32_t crc = 0xffffffff;

	while (length-- > 0) {
		crc ^= *p++;
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

static inline void put_u32(uint8_t *p, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* Corrects the checksum of a changed record. */
static inline void seal(uint8_t *record, size_t length)
{
	put_u32(record + length - 4, crc32c(record, length - 4));
}

#endif
