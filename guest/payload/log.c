/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Takes a version 6 error log apart as a guest does, without libfwnmi. LoPAR chapter "RTAS Error/Event Return
 * Format".
 */
#include "payload.h"

#define EXTENDED_HEADER 16
#define SECTION_HEADER 8
#define ID(a, b) ((a) << 8 | (b))

static void read_mc(struct log *log, const u8 *section, unsigned length)
{
	log->has_mc = true;
	log->mc_length = length;
	log->processor = read_be32(section + 12);
	log->error_type = section[16];
	log->subtype = section[17];
	log->effective_address = read_be64(section + 24);
	log->logical_address = read_be64(section + 32);
}

void read_log(struct log *log, const void *at)
{
	const u8 *p = at, *end;

	*log = (struct log){
		.version = p[0],
		.severity = p[1] >> 5,
		.disposition = p[1] >> 3 & 3,
		.extended = p[1] >> 2 & 1,
		.initiator = p[2] >> 4,
		.target = p[2] & 15,
		.type = p[3],
		.extended_length = read_be32(p + 4),
	};
	if (!log->extended)
		return;
	end = p + 8 + log->extended_length;
	for (p += 8 + EXTENDED_HEADER; p + SECTION_HEADER <= end;) {
		unsigned length = read_be16(p + 2);

		if (length < SECTION_HEADER || p + length > end)
			return;
		if (read_be16(p) == ID('M', 'C') && length >= 40)
			read_mc(log, p, length);
		p += length;
	}
}
