/* SPDX-License-Identifier: BSD-2-Clause */
/* CRC-32C, eight bytes at a time: a byte that is n bytes before the last has a table of its own. */
#include "base/crc32c.h"

#define POLYNOMIAL 0x82f63b78u /* Castagnoli's, bit-reversed */

static uint32_t tables[8][256];

static void make_tables(void)
{
	for (unsigned i = 0; i < 256; i++) {
		tables[0][i] = i;
		for (unsigned bit = 0; bit < 8; bit++)
			tables[0][i] = tables[0][i] >> 1 ^ (tables[0][i] & 1 ? POLYNOMIAL : 0);
	}
	for (unsigned n = 1; n < 8; n++)
		for (unsigned i = 0; i < 256; i++)
			tables[n][i] = tables[n - 1][i] >> 8 ^ tables[0][tables[n - 1][i] & 0xff];
}

static uint32_t eight(uint32_t crc, const uint8_t *p)
{
	crc ^= p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
	return tables[7][crc & 0xff] ^ tables[6][crc >> 8 & 0xff] ^ tables[5][crc >> 16 & 0xff] ^
	       tables[4][crc >> 24] ^ tables[3][p[4]] ^ tables[2][p[5]] ^ tables[1][p[6]] ^
	       tables[0][p[7]];
}

uint32_t crc32c(uint32_t crc, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	if (!tables[0][1])
		make_tables();
	crc = ~crc;
	for (; len >= 8; len -= 8, p += 8)
		crc = eight(crc, p);
	while (len--)
		crc = crc >> 8 ^ tables[0][(crc ^ *p++) & 0xff];
	return ~crc;
}
