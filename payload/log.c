/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decodes a version 6 error log as a guest does, without libfwnmi. LoPAR chapter "RTAS Error/Event
 * Return Format".
 */
#include "payload.h"

#define EXTENDED_HEADER 16
#define SECTION_HEADER	8
#define ID(a, b)	((a) << 8 | (b))

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

static void read_section(struct log *log, const u8 *section, unsigned id, unsigned length)
{
	if (log->nr_sections < ARRAY_SIZE(log->sections))
		log->sections[log->nr_sections] = id;
	log->nr_sections++;
	if (id == ID('P', 'H') && length >= 48) {
		log->creator = section[24];
		log->section_count = section[27];
		log->id = read_be32(section + 40);
	} else if (id == ID('U', 'H') && length >= 24) {
		log->subsystem = section[8];
		log->event_severity = section[10];
		log->event_subtype = section[11];
		log->action = read_be16(section + 18);
	} else if (id == ID('P', 'S') && length >= 80) {
		log->src_version = section[8];
		log->reference_code = read_be64(section + 48);
	} else if (id == ID('M', 'C') && length >= 40) {
		read_mc(log, section, length);
	}
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
	log->flags = p[8];
	log->format = p[10];
	log->of_ibm = !memcmp(p + 20, "IBM", 4);
	for (p += 8 + EXTENDED_HEADER; p + SECTION_HEADER <= end;) {
		unsigned length = read_be16(p + 2);

		if (length < SECTION_HEADER || p + length > end)
			return;
		read_section(log, p, read_be16(p), length);
		p += length;
	}
}

void end_machine_check(struct log *log, struct frame *frame)
{
	u64 r3 = frame->gpr[3];

	read_log(log, (void *)(r3 + 8));
	frame->gpr[3] = read_be64((void *)r3);
	nmi_interlock();
	leave_run(frame);
}
