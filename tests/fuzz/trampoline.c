/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trampoline files: a byte whose bit 0 is the wanted byte order and whose bit 1 selects a raw image
 * or an ELF file, then the file.
 */
#include "fuzz.h"
#include "pseries/fwnmi/trampoline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trampoline_code code;
	bool little_endian, raw;
	const char *wrong;
	uint8_t *image;

	if (size < 1)
		return 0;
	little_endian = data[0] & 1;
	raw = data[0] & 2;
	image = exact(data + 1, size - 1);
	wrong = raw ? trampoline_parse_blob(image, size - 1, little_endian, &code) :
		      trampoline_parse_elf(image, size - 1, little_endian, &code);
	require(memcmp(image, data + 1, size - 1) == 0);
	for (unsigned vector = 0; !wrong && vector < TRAMPOLINE_VECTORS; vector++) {
		uint8_t bytes[TRAMPOLINE_MAX];

		require(code.size[vector] > 0 && code.size[vector] <= TRAMPOLINE_MAX);
		require(code.size[vector] % 4 == 0);
		require(trampoline_copy(&code, vector, !little_endian, bytes) == code.size[vector]);
	}
	free(image);
	return 0;
}
