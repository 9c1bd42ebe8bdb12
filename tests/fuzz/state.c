/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * State records: two bytes with the length of the record, the record, and eight bytes for each call
 * that is made on the loaded state. If the magic is right, length and checksum are corrected, so
 * that the fuzzer gets past them.
 */
#include "../fakes/state_record.h"
#include "calls.h"

static void correct(uint8_t *record, size_t length)
{
	if (length < 20 || memcmp(record, "FWNMIrec", 8) != 0)
		return;
	put_u32(record + 12, (uint32_t)length);
	seal(record, length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct host *host = malloc(sizeof(*host)), *before = malloc(sizeof(*before));
	size_t length = size < 2 ? 0 : (size_t)data[0] << 8 | data[1];
	uint8_t *record;

	require(host && before);
	if (length + 2 > size)
		length = size < 2 ? 0 : size - 2;
	record = exact(size < 2 ? data : data + 2, length);
	if (size >= 2)
		correct(record, length);
	start(host, 0);
	memcpy(before, host, sizeof(*host));
	if (fwnmi_load(host->f, record, length) != 0) {
		require(memcmp(before, host, sizeof(*host)) == 0);
	} else {
		size_t size_now = fwnmi_state_size(host->f);
		uint8_t *again = malloc(size_now);

		require(again && fwnmi_save(host->f, again, size_now) == (int)size_now);
		/* A record of an earlier version is saved in this one's. */
		if (memcmp(record, again, 12) == 0)
			require(length == size_now && memcmp(record, again, length) == 0);
		for (size_t i = 2 + length; i + 8 <= size; i += 8)
			make_call(host, data + i);
		check_record(host);
		free(again);
	}
	free(record);
	free(host);
	free(before);
	return 0;
}
