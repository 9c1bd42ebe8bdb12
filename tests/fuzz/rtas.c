/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RTAS argument buffers of a hostile guest. The input is a sequence of calls: a byte that selects
 * the vCPU (bits 0-1) and the place of the buffer (bits 2-4), a byte with the number of bytes that
 * follow, and those bytes, which are written there. The partition must stay within its memory,
 * which a memory checker sees, and return a known action.
 */
#include "fuzz.h"

#include "../fakes/partition.h"

bool __real_fdt_build(struct papr *papr, char *err, size_t err_size);
bool __wrap_fdt_build(struct papr *papr, char *err, size_t err_size);

/*
 * Build it once: libfdt compares each property name with all others, and libFuzzer, which traces
 * that, would spend all its time on it.
 */
bool __wrap_fdt_build(struct papr *papr, char *err, size_t err_size)
{
	size_t size;

	return papr_fdt(papr, &size) || __real_fdt_build(papr, err, err_size);
}

static uint64_t buffer_address(unsigned where, const uint8_t *bytes, unsigned len)
{
	static const uint64_t places[] = { BUFFER,	 BUFFER + 2, FAKE_RAM - 12, FAKE_RAM - 64,
					   FAKE_RAM - 1, FAKE_RAM,   ~0ull - 15 };

	if (where < ARRAY_SIZE(places))
		return places[where];
	return len >= 8 ? get_be64(bytes) : 0;
}

static void start(void)
{
	char err[256];

	if (!fake.papr)
		fake_setup(NULL);
	else
		require(papr_reset(fake.papr, err, sizeof(err)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	start();
	while (size >= 2) {
		unsigned cpu = data[0] & 3, where = data[0] >> 2 & 7, len = data[1];
		uint64_t address;

		data += 2;
		size -= 2;
		if (len > size)
			len = (unsigned)size;
		address = buffer_address(where, data, len);
		for (unsigned i = 0; i < len; i++)
			memory_write(&fake.memory, address + i, data + i, 1);
		fake.output_len = 0;
		fake.nr_events = 0;
		hcall(cpu, 0xf000, address, 0, 0, 0);
		require(fake.action <= PAPR_CRASHED);
		data += len;
		size -= len;
		if (fake.action != PAPR_RESUME) /* this image or this vCPU has ended: start again */
			start();
	}
	return 0;
}
