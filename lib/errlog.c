/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Encodes and decodes RTAS event logs. Parts that are only decoded are in errlog_sections.c, text
 * in errlog_print.c, names in errlog_names.c. LoPAR chapter "RTAS Error/Event Return Format".
 * Offsets below are the chapter's, from the start of the part or section.
 */
#include <string.h>

#include <fwnmi/errlog.h>

#include "bytes.h"
#include "errlog_sections.h"

enum {
	EXTENDED_HEADER_SIZE = 16,
	OLD_EXTENDED_HEADER_SIZE = 12, /* versions 3 to 5 */
	SECTION_HEADER_SIZE = 8,
	MAIN_A_SIZE = 48,
	MAIN_B_SIZE = 24,
	PRIMARY_SRC_SIZE = 80,
	/*
	 * LoPAR's table of this section says 32; its overview and the offsets in the table say 40.
	 */
	MC_SIZE = 40,

	FIXED_EXTENDED_PRESENT = 0x04, /* byte 1, bit 13 of the fixed part */
	EXTENDED_POWERPC_FORMAT = 0x80, /* byte 2 */
	SRC_HAS_SUBSECTIONS = 0x01, /* SRC flags */

	MC_UE_TRANSIENT = 0x80,
	MC_UE_EFFECTIVE_ADDRESS = 0x40,
	MC_UE_LOGICAL_ADDRESS = 0x20,
	MC_UE_SUBTYPE = 0x07,
	MC_EFFECTIVE_ADDRESS = 0x80, /* SLB, ERAT, TLB */
	MC_SUBTYPE = 0x03,
};

static const char company_ibm[4] = { 'I', 'B', 'M', '\0' };

/* Does byte 0x11 of the MC section have the form for SLB, ERAT and TLB errors? */
static bool is_translation_cache(uint8_t error_type)
{
	return error_type == FWNMI_MC_SLB || error_type == FWNMI_MC_ERAT ||
	       error_type == FWNMI_MC_TLB;
}

/* ---- encode ---- */

static bool mc_is_valid(const struct fwnmi_mc_section *mc)
{
	if (mc->error_type != FWNMI_MC_UE && (mc->transient || mc->logical_address_valid))
		return false;
	if (mc->error_type == FWNMI_MC_UE || is_translation_cache(mc->error_type))
		return fwnmi_mc_subtype_name(mc->error_type, mc->error_subtype) != NULL;
	return !mc->effective_address_valid;
}

static bool is_valid(const struct fwnmi_errlog *log)
{
	if (log->version != 0 && log->version != FWNMI_ERRLOG_VERSION)
		return false;
	if (log->severity > 7 || log->disposition > 3 || log->initiator > 15 || log->target > 15)
		return false;
	if (log->severity == FWNMI_SEVERITY_FATAL &&
	    log->disposition == FWNMI_DISPOSITION_FULLY_RECOVERED)
		return false;
	if (!log->has_extended &&
	    (log->has_main_a || log->has_main_b || log->has_primary_src || log->has_mc))
		return false;
	if (log->has_primary_src &&
	    !memchr(log->primary_src.reference_code, '\0', sizeof(log->primary_src.reference_code)))
		return false;
	return !log->has_mc || mc_is_valid(&log->mc);
}

static void put_section_header(uint8_t *p, uint16_t id, uint16_t length,
			       const struct fwnmi_section_header *header)
{
	put_be16(p, id);
	put_be16(p + 2, length);
	p[4] = header->version;
	p[5] = header->subtype;
	put_be16(p + 6, header->creator_component);
}

static void put_main_a(uint8_t *p, const struct fwnmi_main_a *main_a, unsigned section_count)
{
	put_section_header(p, FWNMI_SECTION_MAIN_A, MAIN_A_SIZE, &main_a->header);
	put_be32(p + 0x08, main_a->date);
	put_be32(p + 0x0c, main_a->time);
	p[0x18] = (uint8_t)main_a->creator;
	p[0x1b] = (uint8_t)section_count;
	put_be32(p + 0x28, main_a->platform_log_id);
}

static void put_main_b(uint8_t *p, const struct fwnmi_main_b *main_b)
{
	put_section_header(p, FWNMI_SECTION_MAIN_B, MAIN_B_SIZE, &main_b->header);
	p[0x08] = main_b->subsystem;
	p[0x0a] = main_b->event_severity;
	p[0x0b] = main_b->event_subtype;
	put_be16(p + 0x12, main_b->action_flags);
}

static void put_primary_src(uint8_t *p, const struct fwnmi_primary_src *src)
{
	put_section_header(p, FWNMI_SECTION_PRIMARY_SRC, PRIMARY_SRC_SIZE, &src->header);
	p[0x08] = src->src_version;
	p[0x09] = src->src_flags & (uint8_t)~SRC_HAS_SUBSECTIONS;
	for (size_t i = 0; i < 8; i++)
		put_be32(p + 0x10 + 4 * i, src->words[i]);
	memset(p + 0x30, ' ', 32);
	memcpy(p + 0x30, src->reference_code, strlen(src->reference_code));
}

static uint8_t mc_subtype_byte(const struct fwnmi_mc_section *mc)
{
	uint8_t byte = mc->error_subtype;

	if (mc->error_type == FWNMI_MC_UE) {
		if (mc->transient)
			byte |= MC_UE_TRANSIENT;
		if (mc->effective_address_valid)
			byte |= MC_UE_EFFECTIVE_ADDRESS;
		if (mc->logical_address_valid)
			byte |= MC_UE_LOGICAL_ADDRESS;
	} else if (mc->effective_address_valid) {
		byte |= MC_EFFECTIVE_ADDRESS;
	}
	return byte;
}

static void put_mc(uint8_t *p, const struct fwnmi_mc_section *mc)
{
	put_section_header(p, FWNMI_SECTION_MC, MC_SIZE, &mc->header);
	put_be32(p + 0x08, mc->fru_id);
	put_be32(p + 0x0c, mc->processor_id);
	p[0x10] = mc->error_type;
	p[0x11] = mc_subtype_byte(mc);
	if (mc->effective_address_valid)
		put_be64(p + 0x18, mc->effective_address);
	if (mc->logical_address_valid)
		put_be64(p + 0x20, mc->logical_address);
}

int fwnmi_errlog_encode(const struct fwnmi_errlog *log, void *buf, size_t size)
{
	uint8_t *p = buf;
	size_t length = FWNMI_ERRLOG_FIXED_SIZE;

	if (!log || !is_buffer(buf, size) || !is_valid(log))
		return FWNMI_ERR_INVALID;

	if (log->has_extended)
		length += EXTENDED_HEADER_SIZE + (log->has_main_a ? MAIN_A_SIZE : 0) +
			  (log->has_main_b ? MAIN_B_SIZE : 0) +
			  (log->has_primary_src ? PRIMARY_SRC_SIZE : 0) +
			  (log->has_mc ? MC_SIZE : 0);
	if (length > size)
		return FWNMI_ERR_NOSPACE;
	memset(p, 0, length);

	p[0] = FWNMI_ERRLOG_VERSION;
	p[1] = (uint8_t)(log->severity << 5 | log->disposition << 3);
	p[2] = (uint8_t)(log->initiator << 4 | log->target);
	p[3] = log->type;
	if (!log->has_extended) {
		put_be32(p + 4, log->extended_length);
		return (int)length;
	}
	p[1] |= FIXED_EXTENDED_PRESENT;
	put_be32(p + 4, (uint32_t)(length - FWNMI_ERRLOG_FIXED_SIZE));
	p += FWNMI_ERRLOG_FIXED_SIZE;

	p[0] = log->flags;
	p[2] = EXTENDED_POWERPC_FORMAT | FWNMI_ERRLOG_FORMAT_PLATFORM_EVENT;
	memcpy(p + 12, company_ibm, sizeof(company_ibm));
	p += EXTENDED_HEADER_SIZE;

	if (log->has_main_a) {
		put_main_a(p, &log->main_a,
			   1u + log->has_main_b + log->has_primary_src + log->has_mc);
		p += MAIN_A_SIZE;
	}
	if (log->has_main_b) {
		put_main_b(p, &log->main_b);
		p += MAIN_B_SIZE;
	}
	if (log->has_primary_src) {
		put_primary_src(p, &log->primary_src);
		p += PRIMARY_SRC_SIZE;
	}
	if (log->has_mc)
		put_mc(p, &log->mc);
	return (int)length;
}

/* ---- decode ---- */

static void get_main_a(struct fwnmi_errlog *log, const uint8_t *p, size_t length)
{
	struct fwnmi_main_a *main_a = &log->main_a;

	(void)length;
	log->has_main_a = true;
	fwnmi_errlog_get_header(&main_a->header, p);
	main_a->date = get_be32(p + 0x08);
	main_a->time = get_be32(p + 0x0c);
	main_a->creator = (char)p[0x18];
	main_a->section_count = p[0x1b];
	main_a->platform_log_id = get_be32(p + 0x28);
}

static void get_main_b(struct fwnmi_errlog *log, const uint8_t *p, size_t length)
{
	struct fwnmi_main_b *main_b = &log->main_b;

	(void)length;
	log->has_main_b = true;
	fwnmi_errlog_get_header(&main_b->header, p);
	main_b->subsystem = p[0x08];
	main_b->event_severity = p[0x0a];
	main_b->event_subtype = p[0x0b];
	main_b->action_flags = get_be16(p + 0x12);
}

static void get_primary_src(struct fwnmi_errlog *log, const uint8_t *p, size_t length)
{
	struct fwnmi_primary_src *src = &log->primary_src;
	size_t used = 32;

	log->has_primary_src = true;
	fwnmi_errlog_get_header(&src->header, p);
	src->src_version = p[0x08];
	src->src_flags = p[0x09];
	for (size_t i = 0; i < 8; i++)
		src->words[i] = get_be32(p + 0x10 + 4 * i);
	memcpy(src->reference_code, p + 0x30, used);
	while (used > 0 &&
	       (src->reference_code[used - 1] == ' ' || src->reference_code[used - 1] == '\0'))
		used--;
	memset(src->reference_code + used, 0, sizeof(src->reference_code) - used);
	fwnmi_errlog_get_callouts(src, p, length);
}

static void get_mc(struct fwnmi_errlog *log, const uint8_t *p, size_t length)
{
	struct fwnmi_mc_section *mc = &log->mc;
	uint8_t byte = p[0x11];

	(void)length;
	log->has_mc = true;
	fwnmi_errlog_get_header(&mc->header, p);
	mc->fru_id = get_be32(p + 0x08);
	mc->processor_id = get_be32(p + 0x0c);
	mc->error_type = p[0x10];
	if (mc->error_type == FWNMI_MC_UE) {
		mc->error_subtype = byte & MC_UE_SUBTYPE;
		mc->transient = byte & MC_UE_TRANSIENT;
		mc->effective_address_valid = byte & MC_UE_EFFECTIVE_ADDRESS;
		mc->logical_address_valid = byte & MC_UE_LOGICAL_ADDRESS;
	} else if (is_translation_cache(mc->error_type)) {
		mc->error_subtype = byte & MC_SUBTYPE;
		mc->effective_address_valid = byte & MC_EFFECTIVE_ADDRESS;
	} else {
		mc->error_subtype = byte;
	}
	if (mc->effective_address_valid)
		mc->effective_address = get_be64(p + 0x18);
	if (mc->logical_address_valid)
		mc->logical_address = get_be64(p + 0x20);
}

static const struct {
	uint16_t id;
	uint16_t size; /* minimum size of this kind of section */
	size_t has; /* offset of its has_* in struct fwnmi_errlog */
	void (*get)(struct fwnmi_errlog *log, const uint8_t *section, size_t length);
} known_sections[] = {
	{ FWNMI_SECTION_MAIN_A, MAIN_A_SIZE, offsetof(struct fwnmi_errlog, has_main_a),
	  get_main_a },
	{ FWNMI_SECTION_MAIN_B, MAIN_B_SIZE, offsetof(struct fwnmi_errlog, has_main_b),
	  get_main_b },
	{ FWNMI_SECTION_PRIMARY_SRC, PRIMARY_SRC_SIZE,
	  offsetof(struct fwnmi_errlog, has_primary_src), get_primary_src },
	{ FWNMI_SECTION_MC, MC_SIZE, offsetof(struct fwnmi_errlog, has_mc), get_mc },
};

/* @length is the section's stated length, @there how much of it the buffer has. */
static int get_known_section(struct fwnmi_errlog *log, const uint8_t *p, uint16_t id, size_t length,
			     size_t there)
{
	for (size_t i = 0; i < sizeof(known_sections) / sizeof(known_sections[0]); i++) {
		if (known_sections[i].id != id)
			continue;
		if (length < known_sections[i].size)
			return FWNMI_ERR_BADSTRUCTURE;
		if (there >= known_sections[i].size &&
		    !((const unsigned char *)log)[known_sections[i].has])
			known_sections[i].get(log, p, there);
		return 0;
	}
	fwnmi_errlog_get_section(log, p, id, there);
	return 0;
}

/* @length is the log's stated length, @there how much of it the buffer has. */
static int get_sections(struct fwnmi_errlog *log, const uint8_t *buf, size_t length, size_t there)
{
	size_t offset = FWNMI_ERRLOG_FIXED_SIZE + EXTENDED_HEADER_SIZE;

	while (offset < length) {
		const uint8_t *p = buf + offset;
		size_t section_length, section_there;
		int err;

		if (length - offset < SECTION_HEADER_SIZE)
			return FWNMI_ERR_BADSTRUCTURE;
		if (there < offset + SECTION_HEADER_SIZE)
			return FWNMI_ERR_TRUNCATED;
		section_length = get_be16(p + 2);
		if (section_length < SECTION_HEADER_SIZE || section_length > length - offset)
			return FWNMI_ERR_BADSTRUCTURE;
		section_there = section_length < there - offset ? section_length : there - offset;
		err = get_known_section(log, p, get_be16(p), section_length, section_there);
		if (err)
			return err;
		log->sections[log->nr_sections++] = (struct fwnmi_section){
			.id = get_be16(p),
			.offset = (uint16_t)offset,
			.length = (uint16_t)section_length,
		};
		offset += section_length;
	}
	return 0;
}

static int get_extended(struct fwnmi_errlog *log, const uint8_t *buf, size_t length, size_t there)
{
	const uint8_t *p = buf + FWNMI_ERRLOG_FIXED_SIZE;
	size_t header = EXTENDED_HEADER_SIZE;

	if (log->version < FWNMI_ERRLOG_VERSION)
		header = OLD_EXTENDED_HEADER_SIZE;
	if (log->extended_length == 0)
		return 0;
	if (log->extended_length < header)
		return FWNMI_ERR_BADSTRUCTURE;
	if (there < FWNMI_ERRLOG_FIXED_SIZE + header)
		return FWNMI_ERR_TRUNCATED;
	if (log->version < FWNMI_ERRLOG_VERSION) {
		fwnmi_errlog_get_old(log, p, there - FWNMI_ERRLOG_FIXED_SIZE);
		return 0;
	}
	log->has_extended_header = true;
	log->flags = p[0];
	log->log_format = p[2] & 0x0f;
	memcpy(log->company, p + 12, 4);
	log->platform_event = log->log_format == FWNMI_ERRLOG_FORMAT_PLATFORM_EVENT &&
			      memcmp(p + 12, company_ibm, sizeof(company_ibm)) == 0;
	return log->platform_event ? get_sections(log, buf, length, there) : 0;
}

int fwnmi_errlog_decode(struct fwnmi_errlog *log, const void *buf, size_t size)
{
	const uint8_t *p = buf;
	size_t length;
	int err;

	if (!log)
		return FWNMI_ERR_INVALID;
	memset(log, 0, sizeof(*log));
	if (!is_buffer(buf, size))
		return FWNMI_ERR_INVALID;
	if (size < FWNMI_ERRLOG_FIXED_SIZE)
		return FWNMI_ERR_TRUNCATED;
	if (p[0] < FWNMI_ERRLOG_OLDEST_VERSION || p[0] > FWNMI_ERRLOG_VERSION)
		return FWNMI_ERR_BADVERSION;
	log->version = p[0];
	log->severity = p[1] >> 5;
	log->disposition = p[1] >> 3 & 3;
	log->has_extended = p[1] & FIXED_EXTENDED_PRESENT;
	log->initiator = p[2] >> 4;
	log->target = p[2] & 0x0f;
	log->type = p[3];
	log->extended_length = get_be32(p + 4);
	if (!log->has_extended)
		return FWNMI_ERRLOG_FIXED_SIZE;

	if (log->extended_length > FWNMI_ERRLOG_MAX - FWNMI_ERRLOG_FIXED_SIZE)
		return FWNMI_ERR_BADSTRUCTURE;
	length = FWNMI_ERRLOG_FIXED_SIZE + log->extended_length;
	if (length > size) {
		log->missing = (uint32_t)(length - size);
		get_extended(log, p, length, size);
		return FWNMI_ERR_TRUNCATED;
	}
	err = get_extended(log, p, length, length);
	return err ? err : (int)length;
}

/* ---- fit ---- */

/* Requirements 3 and 4 of the version 6 format: sections that a log of this type must have. */
static bool is_required(uint8_t type, uint16_t id)
{
	static const struct {
		uint8_t type;
		uint16_t id;
	} required[] = {
		{ FWNMI_EVENT_PLATFORM_ERROR, FWNMI_SECTION_PRIMARY_SRC },
		{ FWNMI_EVENT_IO_EVENTS, FWNMI_SECTION_ID('I', 'E') },
		{ FWNMI_EVENT_RESOURCE_DEALLOCATION, FWNMI_SECTION_ID('L', 'R') },
		{ FWNMI_EVENT_DUMP_NOTIFICATION, FWNMI_SECTION_ID('D', 'H') },
		{ FWNMI_EVENT_EPOW, FWNMI_SECTION_ID('E', 'P') },
		{ FWNMI_EVENT_HOT_PLUG, FWNMI_SECTION_ID('H', 'P') },
	};

	if (id == FWNMI_SECTION_MAIN_A || id == FWNMI_SECTION_MAIN_B)
		return true;
	for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++)
		if (required[i].type == type && required[i].id == id)
			return true;
	return false;
}

/*
 * Choose which sections to keep of a log that is too long. Returns the length, 0 if nothing fits.
 */
static size_t choose_sections(const struct fwnmi_errlog *log, size_t size,
			      bool keep[FWNMI_ERRLOG_MAX_SECTIONS])
{
	size_t length = FWNMI_ERRLOG_FIXED_SIZE + EXTENDED_HEADER_SIZE;

	for (unsigned i = 0; i < log->nr_sections; i++) {
		keep[i] = is_required(log->type, log->sections[i].id);
		if (keep[i])
			length += log->sections[i].length;
	}
	if (length > size || log->nr_sections == 0)
		return 0;
	for (unsigned i = 0; i < log->nr_sections; i++) {
		if (keep[i] || log->sections[i].length > size - length)
			continue;
		keep[i] = true;
		length += log->sections[i].length;
	}
	return length;
}

static int fit_sections(const struct fwnmi_errlog *log, const uint8_t *from,
			const bool keep[FWNMI_ERRLOG_MAX_SECTIONS], uint8_t *to)
{
	size_t length = FWNMI_ERRLOG_FIXED_SIZE + EXTENDED_HEADER_SIZE;
	uint8_t *main_a = NULL;
	unsigned kept = 0;

	memcpy(to, from, length);
	for (unsigned i = 0; i < log->nr_sections; i++) {
		if (!keep[i])
			continue;
		if (!main_a && log->sections[i].id == FWNMI_SECTION_MAIN_A)
			main_a = to + length;
		memcpy(to + length, from + log->sections[i].offset, log->sections[i].length);
		length += log->sections[i].length;
		kept++;
	}
	put_be32(to + 4, (uint32_t)(length - FWNMI_ERRLOG_FIXED_SIZE));
	if (main_a)
		main_a[0x1b] = (uint8_t)kept;
	return (int)length;
}

int fwnmi_errlog_fit(const void *log, size_t length, void *buf, size_t size)
{
	bool keep[FWNMI_ERRLOG_MAX_SECTIONS];
	uint8_t fixed[FWNMI_ERRLOG_FIXED_SIZE];
	struct fwnmi_errlog decoded;
	int whole = is_buffer(buf, size) ? fwnmi_errlog_decode(&decoded, log, length) :
					   FWNMI_ERR_INVALID;

	if (whole < 0)
		return whole;
	if (decoded.version != FWNMI_ERRLOG_VERSION)
		return FWNMI_ERR_BADVERSION;
	if ((size_t)whole <= size) {
		memcpy(buf, log, (size_t)whole);
		return whole;
	}
	if (size < FWNMI_ERRLOG_FIXED_SIZE / 2)
		return FWNMI_ERR_NOSPACE;
	if (size >= FWNMI_ERRLOG_FIXED_SIZE && choose_sections(&decoded, size, keep) > 0)
		return fit_sections(&decoded, log, keep, buf);

	memcpy(fixed, log, sizeof(fixed));
	if (decoded.has_extended) {
		fixed[1] &= (uint8_t)~FIXED_EXTENDED_PRESENT;
		put_be32(fixed + 4, 0);
	}
	length = size < sizeof(fixed) ? sizeof(fixed) / 2 : sizeof(fixed);
	memcpy(buf, fixed, length);
	return (int)length;
}
