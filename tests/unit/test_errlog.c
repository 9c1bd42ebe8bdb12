/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log codec against bytes written by hand from LoPAR's tables, every field in both directions,
 * and input that is truncated or corrupt.
 */
#include <fwnmi/errlog.h>

#include "unit.h"

/*
 * A log with all parts that the encoder supports, written by hand. All field values differ, so that
 * none can be mistaken for another.
 */
/* clang-format off */
static const uint8_t golden[216] = {
	/* fixed: version 6; error-sync 3 << 5 | limited 1 << 3 | present 4; CPU, memory; 224 */
	0x06, 0x6c, 0x14, 0xe0, 0x00, 0x00, 0x00, 0xd0,
	/* extended header: valid, degraded, new, big-endian; PowerPC format, 14; "IBM\0" */
	0x96, 0x00, 0x8e, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 'I', 'B', 'M', 0x00,
	/* Main-A: id, 48, version, subtype, component */
	'P', 'H', 0x00, 0x30, 0x01, 0x02, 0x03, 0x04,
	0x20, 0x26, 0x11, 0x22, 0x13, 0x14, 0x15, 0x16,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	'H',  0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x50, 0x51, 0x52, 0x53, 0x00, 0x00, 0x00, 0x00,
	/* Main-B: id, 24, ... */
	'U', 'H', 0x00, 0x18, 0x05, 0x06, 0x07, 0x08,
	0x10, 0x00, 0x21, 0x70, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0xa0, 0x00, 0x00, 0x00, 0x00, 0x00,
	/* Primary SRC: id, 80, ... */
	'P', 'S', 0x00, 0x50, 0x09, 0x0a, 0x0b, 0x0c,
	0x02, 0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x02, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00,
	0x04, 0x00, 0x00, 0x00, 0x05, 0x00, 0x00, 0x00,
	0x06, 0x00, 0x00, 0x00, 0x07, 0x00, 0x00, 0x00,
	0x08, 0x00, 0x00, 0x00, 0x09, 0x00, 0x00, 0x01,
	'F', 'W', 'M', 'C', '0', '0', '0', '3', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ',
	' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ',
	/* MC: id, 40, ...; UE; transient 80 | effective 40 | logical 20 | load/store 3 */
	'M', 'C', 0x00, 0x28, 0x0d, 0x0e, 0x0f, 0x11,
	0x61, 0x62, 0x63, 0x64, 0x71, 0x72, 0x73, 0x74,
	0x00, 0xe3, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0xc0, 0x00, 0x00, 0x00, 0x12, 0x34, 0x56, 0x78,
	0x00, 0x00, 0x00, 0x01, 0x23, 0x45, 0x00, 0x00,
};
/* clang-format on */

enum {
	HEADER_AT = 8,
	MAIN_A_AT = 24,
	MAIN_B_AT = 72,
	SRC_AT = 96,
	MC_AT = 176
};

static struct fwnmi_errlog golden_log(void)
{
	return (struct fwnmi_errlog){
		.severity = FWNMI_SEVERITY_ERROR_SYNC,
		.disposition = FWNMI_DISPOSITION_LIMITED_RECOVERY,
		.initiator = FWNMI_INITIATOR_CPU,
		.target = FWNMI_INITIATOR_MEMORY,
		.type = FWNMI_EVENT_PLATFORM_ERROR,
		.has_extended = true,
		.flags = FWNMI_ERRLOG_VALID | FWNMI_ERRLOG_DEGRADED | FWNMI_ERRLOG_NEW |
			 FWNMI_ERRLOG_BIG_ENDIAN,
		.has_main_a = true,
		.has_main_b = true,
		.has_primary_src = true,
		.has_mc = true,
		.main_a = { { 1, 2, 0x0304 }, 0x20261122, 0x13141516, 'H', 4, 0x50515253 },
		.main_b = { { 5, 6, 0x0708 }, 0x10, 0x21, 0x70, 0xa000 },
		.primary_src = { .header = { 9, 0x0a, 0x0b0c },
				 .src_version = 2,
				 .src_flags = 0x40,
				 .words = { 0x02000000, 0x03000000, 0x04000000, 0x05000000,
					    0x06000000, 0x07000000, 0x08000000, 0x09000001 },
				 .reference_code = "FWMC0003" },
		.mc = { .header = { 0x0d, 0x0e, 0x0f11 },
			.fru_id = 0x61626364,
			.processor_id = 0x71727374,
			.error_type = FWNMI_MC_UE,
			.error_subtype = FWNMI_UE_LOAD_STORE,
			.transient = true,
			.effective_address_valid = true,
			.logical_address_valid = true,
			.effective_address = 0xc000000012345678,
			.logical_address = 0x123450000 },
	};
}

static void assert_header_equal(const struct fwnmi_section_header *a,
				const struct fwnmi_section_header *b)
{
	assert_int_equal(a->version, b->version);
	assert_int_equal(a->subtype, b->subtype);
	assert_int_equal(a->creator_component, b->creator_component);
}

static void assert_mc_equal(const struct fwnmi_mc_section *a, const struct fwnmi_mc_section *b)
{
	assert_header_equal(&a->header, &b->header);
	assert_int_equal(a->fru_id, b->fru_id);
	assert_int_equal(a->processor_id, b->processor_id);
	assert_int_equal(a->error_type, b->error_type);
	assert_int_equal(a->error_subtype, b->error_subtype);
	assert_int_equal(a->transient, b->transient);
	assert_int_equal(a->effective_address_valid, b->effective_address_valid);
	assert_int_equal(a->logical_address_valid, b->logical_address_valid);
	assert_int_equal(a->effective_address, b->effective_address);
	assert_int_equal(a->logical_address, b->logical_address);
}

static void assert_sections_equal(const struct fwnmi_errlog *a, const struct fwnmi_errlog *b)
{
	assert_header_equal(&a->main_a.header, &b->main_a.header);
	assert_int_equal(a->main_a.date, b->main_a.date);
	assert_int_equal(a->main_a.time, b->main_a.time);
	assert_int_equal(a->main_a.creator, b->main_a.creator);
	assert_int_equal(a->main_a.section_count, b->main_a.section_count);
	assert_int_equal(a->main_a.platform_log_id, b->main_a.platform_log_id);
	assert_header_equal(&a->main_b.header, &b->main_b.header);
	assert_int_equal(a->main_b.subsystem, b->main_b.subsystem);
	assert_int_equal(a->main_b.event_severity, b->main_b.event_severity);
	assert_int_equal(a->main_b.event_subtype, b->main_b.event_subtype);
	assert_int_equal(a->main_b.action_flags, b->main_b.action_flags);
	assert_header_equal(&a->primary_src.header, &b->primary_src.header);
	assert_int_equal(a->primary_src.src_version, b->primary_src.src_version);
	assert_int_equal(a->primary_src.src_flags, b->primary_src.src_flags);
	assert_memory_equal(a->primary_src.words, b->primary_src.words,
			    sizeof(a->primary_src.words));
	assert_string_equal(a->primary_src.reference_code, b->primary_src.reference_code);
	assert_mc_equal(&a->mc, &b->mc);
}

static void a_full_log_is_encoded_to_the_bytes_of_the_format_chapter(void **state)
{
	struct fwnmi_errlog log = golden_log();
	uint8_t buf[FWNMI_ERRLOG_MAX];

	memset(buf, 0xa5, sizeof(buf));
	assert_int_equal(fwnmi_errlog_encode(&log, buf, sizeof(buf)), sizeof(golden));
	assert_memory_equal(buf, golden, sizeof(golden));
	assert_int_equal(buf[sizeof(golden)], 0xa5);
}

static void the_bytes_of_the_format_chapter_are_decoded_to_every_field(void **state)
{
	struct fwnmi_errlog expected = golden_log();
	struct fwnmi_errlog log;

	memset(&log, 0xa5, sizeof(log));
	assert_int_equal(fwnmi_errlog_decode(&log, golden, sizeof(golden)), sizeof(golden));
	assert_int_equal(log.severity, expected.severity);
	assert_int_equal(log.disposition, expected.disposition);
	assert_int_equal(log.initiator, expected.initiator);
	assert_int_equal(log.target, expected.target);
	assert_int_equal(log.type, expected.type);
	assert_true(log.has_extended);
	assert_int_equal(log.extended_length, 208);
	assert_true(log.has_extended_header);
	assert_true(log.platform_event);
	assert_int_equal(log.flags, expected.flags);
	assert_int_equal(log.log_format, FWNMI_ERRLOG_FORMAT_PLATFORM_EVENT);
	assert_string_equal(log.company, "IBM");
	assert_true(log.has_main_a && log.has_main_b && log.has_primary_src && log.has_mc);
	assert_sections_equal(&log, &expected);
}

static void decoding_lists_every_section_with_its_place(void **state)
{
	static const struct fwnmi_section expected[] = {
		{ FWNMI_SECTION_MAIN_A, MAIN_A_AT, 48 },
		{ FWNMI_SECTION_MAIN_B, MAIN_B_AT, 24 },
		{ FWNMI_SECTION_PRIMARY_SRC, SRC_AT, 80 },
		{ FWNMI_SECTION_MC, MC_AT, 40 },
	};
	struct fwnmi_errlog log;

	fwnmi_errlog_decode(&log, golden, sizeof(golden));
	assert_int_equal(log.nr_sections, ARRAY_SIZE(expected));
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		assert_int_equal(log.sections[i].id, expected[i].id);
		assert_int_equal(log.sections[i].offset, expected[i].offset);
		assert_int_equal(log.sections[i].length, expected[i].length);
	}
}

static void a_fixed_part_alone_is_eight_bytes_and_keeps_its_second_word(void **state)
{
	static const uint8_t expected[] = { 0x06, 0xd0, 0x10, 0xa0, 0x01, 0x23, 0x45, 0x67 };
	struct fwnmi_errlog log = {
		.severity = FWNMI_SEVERITY_ALREADY_REPORTED,
		.disposition = FWNMI_DISPOSITION_NOT_RECOVERED,
		.initiator = FWNMI_INITIATOR_CPU,
		.type = FWNMI_EVENT_PLATFORM_RESOURCE_REASSIGNMENT,
		.extended_length = 0x01234567,
	};
	uint8_t buf[8];
	struct fwnmi_errlog back;

	assert_int_equal(fwnmi_errlog_encode(&log, buf, sizeof(buf)), 8);
	assert_memory_equal(buf, expected, sizeof(expected));
	assert_int_equal(fwnmi_errlog_decode(&back, buf, sizeof(buf)), 8);
	assert_false(back.has_extended);
	assert_false(back.has_extended_header);
	assert_int_equal(back.extended_length, 0x01234567);
	assert_int_equal(back.severity, FWNMI_SEVERITY_ALREADY_REPORTED);
	assert_int_equal(back.disposition, FWNMI_DISPOSITION_NOT_RECOVERED);
}

static void every_fixed_field_value_survives_a_round_trip(void **state)
{
	uint8_t buf[8];
	struct fwnmi_errlog back;

	for (unsigned severity = 0; severity < 8; severity++) {
		for (unsigned disposition = 0; disposition < 4; disposition++) {
			struct fwnmi_errlog log = { .severity = (uint8_t)severity,
						    .disposition = (uint8_t)disposition };
			int expected = severity == FWNMI_SEVERITY_FATAL && disposition == 0 ?
					       FWNMI_ERR_INVALID :
					       8;

			assert_int_equal(fwnmi_errlog_encode(&log, buf, sizeof(buf)), expected);
			if (expected < 0)
				continue;
			assert_int_equal(fwnmi_errlog_decode(&back, buf, sizeof(buf)), 8);
			assert_int_equal(back.severity, severity);
			assert_int_equal(back.disposition, disposition);
		}
	}
	for (unsigned i = 0; i < 256; i++) {
		struct fwnmi_errlog log = { .initiator = (uint8_t)(i >> 4),
					    .target = (uint8_t)(i & 15),
					    .type = (uint8_t)i };

		assert_int_equal(fwnmi_errlog_encode(&log, buf, sizeof(buf)), 8);
		assert_int_equal(fwnmi_errlog_decode(&back, buf, sizeof(buf)), 8);
		assert_int_equal(back.initiator, i >> 4);
		assert_int_equal(back.target, i & 15);
		assert_int_equal(back.type, i);
	}
}

static struct fwnmi_errlog mc_log(uint8_t type, uint8_t subtype)
{
	return (struct fwnmi_errlog){
		.has_extended = true,
		.has_mc = true,
		.mc = { .error_type = type, .error_subtype = subtype },
	};
}

/* Encodes, decodes and compares; returns byte 0x11 of the MC section. */
static uint8_t mc_round_trip(const struct fwnmi_errlog *log)
{
	uint8_t buf[FWNMI_ERRLOG_MAX];
	struct fwnmi_errlog back;

	assert_int_equal(fwnmi_errlog_encode(log, buf, sizeof(buf)), 64);
	assert_int_equal(fwnmi_errlog_decode(&back, buf, 64), 64);
	assert_true(back.has_mc);
	assert_mc_equal(&back.mc, &log->mc);
	assert_int_equal(buf[24 + 0x10], log->mc.error_type);
	return buf[24 + 0x11];
}

static void ue_subtypes_and_flags_stand_where_the_format_chapter_has_them(void **state)
{
	for (uint8_t subtype = 0; subtype <= 4; subtype++) {
		struct fwnmi_errlog log = mc_log(FWNMI_MC_UE, subtype);

		assert_int_equal(mc_round_trip(&log), subtype);
		log.mc.transient = true;
		assert_int_equal(mc_round_trip(&log), 0x80 | subtype);
		log.mc.effective_address_valid = true;
		log.mc.effective_address = 0x0123456789abcdef;
		assert_int_equal(mc_round_trip(&log), 0xc0 | subtype);
		log.mc.logical_address_valid = true;
		log.mc.logical_address = 0xfedcba9876543210;
		assert_int_equal(mc_round_trip(&log), 0xe0 | subtype);
	}
}

static void slb_erat_and_tlb_subtypes_stand_where_the_format_chapter_has_them(void **state)
{
	static const uint8_t known[][2] = {
		{ FWNMI_MC_SLB, 0 },  { FWNMI_MC_SLB, 1 },  { FWNMI_MC_SLB, 2 },
		{ FWNMI_MC_ERAT, 1 }, { FWNMI_MC_ERAT, 2 }, { FWNMI_MC_ERAT, 3 },
		{ FWNMI_MC_TLB, 1 },  { FWNMI_MC_TLB, 2 },  { FWNMI_MC_TLB, 3 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		struct fwnmi_errlog log = mc_log(known[i][0], known[i][1]);

		assert_int_equal(mc_round_trip(&log), known[i][1]);
		log.mc.effective_address_valid = true;
		log.mc.effective_address = 0xffffffffffffffff;
		assert_int_equal(mc_round_trip(&log), 0x80 | known[i][1]);
	}
}

static void other_types_keep_their_specific_byte_as_it_is(void **state)
{
	static const uint8_t types[] = { FWNMI_MC_UNKNOWN, FWNMI_MC_D_CACHE, FWNMI_MC_I_CACHE,
					 0x80 };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct fwnmi_errlog log = mc_log(types[i], 0);

		assert_int_equal(mc_round_trip(&log), 0);
		log.mc.error_subtype = 0xff;
		assert_int_equal(mc_round_trip(&log), 0xff);
	}
}

static void an_address_that_is_not_valid_is_written_as_zero(void **state)
{
	struct fwnmi_errlog log = mc_log(FWNMI_MC_SLB, FWNMI_SLB_MULTIHIT);
	uint8_t buf[64];
	static const uint8_t zero[16];

	log.mc.effective_address = 0x1122334455667788;
	log.mc.logical_address = 0x1122334455667788;
	assert_int_equal(fwnmi_errlog_encode(&log, buf, sizeof(buf)), 64);
	assert_memory_equal(buf + 24 + 0x18, zero, sizeof(zero));
}

static void encoding_refuses_what_the_format_cannot_express(void **state)
{
	uint8_t buf[FWNMI_ERRLOG_MAX];
	struct fwnmi_errlog good = golden_log();

#define REFUSED(change)                                                                           \
	do {                                                                                      \
		struct fwnmi_errlog log = good;                                                   \
		change;                                                                           \
		assert_int_equal(fwnmi_errlog_encode(&log, buf, sizeof(buf)), FWNMI_ERR_INVALID); \
	} while (0)

	REFUSED(log.version = 5);
	REFUSED(log.severity = 8);
	REFUSED(log.disposition = 4);
	REFUSED(log.initiator = 16);
	REFUSED(log.target = 16);
	REFUSED(log.has_extended = false);
	REFUSED(log.severity = FWNMI_SEVERITY_FATAL; log.disposition = 0);
	REFUSED(log.mc.error_subtype = 5);
	REFUSED(memset(log.primary_src.reference_code, 'x', 33));
	REFUSED(log.mc.error_type = FWNMI_MC_SLB); /* keeps transient and logical address */
	good.mc.transient = false;
	REFUSED(log.mc.error_type = FWNMI_MC_SLB; log.mc.error_subtype = 1);
	good.mc.logical_address_valid = false;
	REFUSED(log.mc.error_type = FWNMI_MC_SLB; log.mc.error_subtype = 3);
	REFUSED(log.mc.error_type = FWNMI_MC_ERAT; log.mc.error_subtype = 0);
	REFUSED(log.mc.error_type = FWNMI_MC_TLB; log.mc.error_subtype = 4);
	REFUSED(log.mc.error_type = FWNMI_MC_D_CACHE);
	assert_int_equal(fwnmi_errlog_encode(&good, buf, sizeof(buf)), sizeof(golden));
#undef REFUSED
}

static void encoding_into_any_smaller_buffer_fails_and_touches_nothing(void **state)
{
	struct fwnmi_errlog log = golden_log();

	for (size_t size = 0; size < sizeof(golden); size++) {
		uint8_t *buf = malloc(size ? size : 1);

		assert_non_null(buf);
		memset(buf, 0xa5, size);
		assert_int_equal(fwnmi_errlog_encode(&log, buf, size), FWNMI_ERR_NOSPACE);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(buf[i], 0xa5);
		free(buf);
	}
}

static void a_log_cut_at_any_length_is_called_truncated(void **state)
{
	struct fwnmi_errlog log;

	for (size_t size = 0; size < sizeof(golden); size++) {
		uint8_t *cut = exact_copy(golden, size);

		assert_int_equal(fwnmi_errlog_decode(&log, cut, size), FWNMI_ERR_TRUNCATED);
		free(cut);
	}
}

/* A section is decoded as soon as its fixed fields are there. */
static void a_log_cut_at_any_length_has_what_is_before_the_cut(void **state)
{
	for (size_t size = 0; size < sizeof(golden); size++) {
		uint8_t *cut = exact_copy(golden, size);
		struct fwnmi_errlog log;

		fwnmi_errlog_decode(&log, cut, size);
		assert_int_equal(log.version, size >= 8 ? 6 : 0);
		assert_int_equal(log.missing, size >= 8 ? sizeof(golden) - size : 0);
		assert_int_equal(log.has_extended_header, size >= 24);
		assert_int_equal(log.has_main_a, size >= MAIN_B_AT);
		assert_int_equal(log.has_main_b, size >= SRC_AT);
		assert_int_equal(log.has_primary_src, size >= MC_AT);
		assert_false(log.has_mc);
		assert_int_equal(log.nr_sections,
				 (size >= MAIN_A_AT + 8) + (size >= MAIN_B_AT + 8) +
					 (size >= SRC_AT + 8) + (size >= MC_AT + 8));
		free(cut);
	}
}

/* The log states a shorter extended part, which ends inside headers and sections. */
static void an_extended_part_of_wrong_length_is_bad_or_ends_between_sections(void **state)
{
	static const uint16_t ends[] = { 0, 16, 16 + 48, 16 + 48 + 24, 16 + 48 + 24 + 80 };
	struct fwnmi_errlog log;

	for (unsigned length = 0; length < 208; length++) {
		uint8_t *buf = exact_copy(golden, 8 + length);
		bool between_sections = false;

		buf[6] = (uint8_t)(length >> 8);
		buf[7] = (uint8_t)length;
		for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
			between_sections |= length == ends[i];
		assert_int_equal(fwnmi_errlog_decode(&log, buf, 8 + length),
				 between_sections ? (int)(8 + length) : FWNMI_ERR_BADSTRUCTURE);
		assert_false(log.has_mc);
		free(buf);
	}
}

static void an_extended_length_above_the_format_limit_is_bad(void **state)
{
	static const uint32_t lengths[] = { 2041, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff };
	uint8_t buf[4096];
	struct fwnmi_errlog log;

	memset(buf, 0, sizeof(buf));
	memcpy(buf, golden, sizeof(golden));
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		buf[4] = (uint8_t)(lengths[i] >> 24);
		buf[5] = (uint8_t)(lengths[i] >> 16);
		buf[6] = (uint8_t)(lengths[i] >> 8);
		buf[7] = (uint8_t)lengths[i];
		assert_int_equal(fwnmi_errlog_decode(&log, buf, sizeof(buf)),
				 FWNMI_ERR_BADSTRUCTURE);
	}
}

static void a_section_of_any_wrong_length_is_refused_or_stays_inside_the_log(void **state)
{
	static const uint16_t places[] = { MAIN_A_AT, MAIN_B_AT, SRC_AT, MC_AT };
	struct fwnmi_errlog log;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		for (unsigned length = 0; length < 65536; length += length < 300 ? 1 : 4093) {
			uint8_t *buf = exact_copy(golden, sizeof(golden));
			int result;

			buf[places[i] + 2] = (uint8_t)(length >> 8);
			buf[places[i] + 3] = (uint8_t)length;
			result = fwnmi_errlog_decode(&log, buf, sizeof(golden));
			assert_true(result == FWNMI_ERR_BADSTRUCTURE || result == sizeof(golden));
			if (length < 8 || length > sizeof(golden) - places[i])
				assert_int_equal(result, FWNMI_ERR_BADSTRUCTURE);
			for (unsigned s = 0; s < log.nr_sections; s++)
				assert_true(log.sections[s].offset + log.sections[s].length <=
					    (int)sizeof(golden));
			free(buf);
		}
	}
}

static void a_known_section_too_short_for_its_fields_is_bad(void **state)
{
	static const struct {
		uint16_t at, length;
	} sections[] = {
		{ MAIN_A_AT, 48 },
		{ MAIN_B_AT, 24 },
		{ SRC_AT, 80 },
		{ MC_AT, 40 },
	};
	struct fwnmi_errlog log;

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		uint8_t buf[sizeof(golden)];
		uint8_t *rest = buf + sections[i].at + 8;

		/* Split in two: a bare header of this kind, and the rest as another kind. */
		memcpy(buf, golden, sizeof(golden));
		buf[sections[i].at + 3] = 8;
		memcpy(rest, "XX", 2);
		rest[2] = 0;
		rest[3] = (uint8_t)(sections[i].length - 8);
		assert_int_equal(fwnmi_errlog_decode(&log, buf, sizeof(buf)),
				 FWNMI_ERR_BADSTRUCTURE);
		memcpy(buf + sections[i].at, "XX", 2);
		assert_int_equal(fwnmi_errlog_decode(&log, buf, sizeof(buf)), sizeof(buf));
		assert_int_equal(log.nr_sections, 5);
	}
}

static void of_two_sections_with_the_same_id_the_first_is_decoded(void **state)
{
	uint8_t buf[sizeof(golden) + 40];
	struct fwnmi_errlog log;

	memcpy(buf, golden, sizeof(golden));
	memcpy(buf + sizeof(golden), golden + MC_AT, 40);
	buf[sizeof(golden) + 0x10] = FWNMI_MC_TLB;
	buf[7] = sizeof(buf) - 8;
	assert_int_equal(fwnmi_errlog_decode(&log, buf, sizeof(buf)), sizeof(buf));
	assert_int_equal(log.nr_sections, 5);
	assert_int_equal(log.mc.error_type, FWNMI_MC_UE);
}

static void any_single_corrupt_byte_is_survived(void **state)
{
	struct fwnmi_errlog log;
	char text[64];

	for (size_t i = 0; i < sizeof(golden); i++) {
		for (unsigned value = 0; value < 256; value++) {
			uint8_t *buf = exact_copy(golden, sizeof(golden));
			int result;

			buf[i] = (uint8_t)value;
			result = fwnmi_errlog_decode(&log, buf, sizeof(golden));
			assert_true(result <= (int)sizeof(golden) && result != 0);
			assert_true(fwnmi_errlog_print(&log, text, sizeof(text)) > 0);
			free(buf);
		}
	}
}

static void random_bytes_are_survived(void **state)
{
	struct fwnmi_errlog log;
	uint32_t seed = 1;

	for (unsigned round = 0; round < 20000; round++) {
		size_t size = round % 400;
		uint8_t *buf = malloc(size ? size : 1);

		assert_non_null(buf);
		for (size_t i = 0; i < size; i++) {
			seed = seed * 1664525 + 1013904223;
			buf[i] = (uint8_t)(seed >> 24);
		}
		/* Let most of them reach the sections. */
		if (size >= 24) {
			memcpy(buf, golden, 24);
			buf[6] = (uint8_t)((size - 8) >> 8);
			buf[7] = (uint8_t)(size - 8);
		}
		assert_true(fwnmi_errlog_decode(&log, buf, size) <= (int)size);
		free(buf);
	}
}

static void a_log_of_the_greatest_length_with_the_smallest_sections_is_listed_whole(void **state)
{
	uint8_t buf[FWNMI_ERRLOG_MAX] = { 0 };
	struct fwnmi_errlog log;

	memcpy(buf, golden, 24);
	buf[6] = 2040 >> 8;
	buf[7] = 2040 & 0xff;
	for (size_t at = 24; at < sizeof(buf); at += 8) {
		buf[at] = 'X';
		buf[at + 1] = 'Y';
		buf[at + 3] = 8;
	}
	assert_int_equal(fwnmi_errlog_decode(&log, buf, sizeof(buf)), sizeof(buf));
	assert_int_equal(log.nr_sections, (2048 - 24) / 8);
	assert_int_equal(log.sections[252].offset, 2040);
}

static void versions_3_to_6_are_decoded_and_others_refused(void **state)
{
	uint8_t buf[sizeof(golden)];
	struct fwnmi_errlog log;

	memcpy(buf, golden, sizeof(golden));
	for (unsigned version = 0; version < 256; version++) {
		bool known = version >= 3 && version <= 6;

		buf[0] = (uint8_t)version;
		assert_int_equal(fwnmi_errlog_decode(&log, buf, sizeof(buf)),
				 known ? (int)sizeof(golden) : FWNMI_ERR_BADVERSION);
		assert_int_equal(log.version, known ? version : 0);
		assert_int_equal(log.nr_sections, version == 6 ? 4 : 0);
	}
}

static void another_vendors_extended_format_is_accepted_without_sections(void **state)
{
	uint8_t buf[sizeof(golden)];
	struct fwnmi_errlog log;

	memcpy(buf, golden, sizeof(golden));
	memcpy(buf + HEADER_AT + 12, "AIM", 4);
	assert_int_equal(fwnmi_errlog_decode(&log, buf, sizeof(buf)), sizeof(golden));
	assert_true(log.has_extended_header);
	assert_false(log.platform_event);
	assert_string_equal(log.company, "AIM");
	assert_int_equal(log.nr_sections, 0);

	memcpy(buf, golden, sizeof(golden));
	buf[HEADER_AT + 2] = 0x8c;
	assert_int_equal(fwnmi_errlog_decode(&log, buf, sizeof(buf)), sizeof(golden));
	assert_false(log.platform_event);
	assert_int_equal(log.log_format, 12);
}

static void reserved_bits_do_not_change_what_is_decoded(void **state)
{
	uint8_t buf[sizeof(golden)];
	struct fwnmi_errlog log, expected = golden_log();

	memcpy(buf, golden, sizeof(golden));
	buf[1] |= 0x03;
	buf[HEADER_AT + 1] = 0xff;
	memset(buf + HEADER_AT + 3, 0xff, 9);
	buf[MAIN_A_AT + 0x19] = 0xff;
	memset(buf + MAIN_B_AT + 0x14, 0xff, 4);
	buf[MC_AT + 0x11] |= 0x18;
	memset(buf + MC_AT + 0x12, 0xff, 6);
	assert_int_equal(fwnmi_errlog_decode(&log, buf, sizeof(buf)), sizeof(golden));
	assert_int_equal(log.severity, expected.severity);
	assert_sections_equal(&log, &expected);
}

static void bytes_after_the_log_are_ignored(void **state)
{
	uint8_t buf[FWNMI_ERRLOG_MAX];
	struct fwnmi_errlog log;

	memset(buf, 0xff, sizeof(buf));
	memcpy(buf, golden, sizeof(golden));
	assert_int_equal(fwnmi_errlog_decode(&log, buf, sizeof(buf)), sizeof(golden));
	assert_int_equal(log.nr_sections, 4);
}

/* ---- fit ---- */

static void a_log_that_fits_is_copied_as_it_is(void **state)
{
	uint8_t buf[sizeof(golden) + 1];

	memset(buf, 0xaa, sizeof(buf));
	assert_int_equal(fwnmi_errlog_fit(golden, sizeof(golden), buf, sizeof(golden)),
			 sizeof(golden));
	assert_memory_equal(buf, golden, sizeof(golden));
	assert_int_equal(buf[sizeof(golden)], 0xaa);
}

/* Requirement 2 of the version 6 format. */
static void a_log_cut_to_any_size_has_whole_sections_only(void **state)
{
	for (size_t size = 0; size < sizeof(golden); size++) {
		uint8_t *buf = malloc(size ? size : 1);
		int expected = size < 4	    ? FWNMI_ERR_NOSPACE :
			       size < 8	    ? 4 :
			       size < MC_AT ? 8 :
					      MC_AT;
		struct fwnmi_errlog log;

		assert_non_null(buf);
		assert_int_equal(fwnmi_errlog_fit(golden, sizeof(golden), buf, size), expected);
		if (size >= 4) {
			assert_int_equal(buf[0], 6);
			assert_int_equal(buf[1], size < MC_AT ? golden[1] & ~4 : golden[1]);
			assert_int_equal(buf[3], golden[3]);
		}
		if (size >= 8) {
			assert_int_equal(fwnmi_errlog_decode(&log, buf, size), expected);
			assert_int_equal(log.nr_sections, size < MC_AT ? 0 : 3);
			assert_int_equal(log.main_a.section_count, size < MC_AT ? 0 : 3);
			assert_int_equal(log.has_primary_src, size >= MC_AT);
		}
		free(buf);
	}
}

static void a_shorter_optional_section_stays_where_a_longer_one_does_not(void **state)
{
	uint8_t log[sizeof(golden) + 100 + 12], buf[sizeof(log)];
	struct fwnmi_errlog decoded;

	/* After MC, a long and a short section that the decoder does not know. */
	memcpy(log, golden, sizeof(golden));
	memset(log + sizeof(golden), 0, sizeof(log) - sizeof(golden));
	memcpy(log + sizeof(golden), "XL\0\x64", 4);
	memcpy(log + sizeof(golden) + 100, "XS\0\x0c", 4);
	log[6] = (sizeof(log) - 8) >> 8;
	log[7] = (uint8_t)(sizeof(log) - 8);
	log[MAIN_A_AT + 0x1b] = 6;

	assert_int_equal(fwnmi_errlog_fit(log, sizeof(log), buf, sizeof(log) - 1),
			 sizeof(golden) + 100);
	assert_int_equal(fwnmi_errlog_fit(log, sizeof(log), buf, sizeof(golden) + 99),
			 sizeof(golden) + 12);
	assert_int_equal(fwnmi_errlog_decode(&decoded, buf, sizeof(buf)), sizeof(golden) + 12);
	assert_int_equal(decoded.nr_sections, 5);
	assert_int_equal(decoded.main_a.section_count, 5);
	assert_int_equal(decoded.sections[4].id, FWNMI_SECTION_ID('X', 'S'));
	assert_true(decoded.has_mc);
	/* MC does not fit, but the short one does. */
	assert_int_equal(fwnmi_errlog_fit(log, sizeof(log), buf, MC_AT + 39), MC_AT + 12);
}

static void a_cut_log_keeps_the_section_that_its_type_must_have(void **state)
{
	static const struct {
		uint8_t type;
		char id[3];
	} required[] = {
		{ FWNMI_EVENT_PLATFORM_ERROR, "PS" },
		{ FWNMI_EVENT_IO_EVENTS, "IE" },
		{ FWNMI_EVENT_RESOURCE_DEALLOCATION, "LR" },
		{ FWNMI_EVENT_DUMP_NOTIFICATION, "DH" },
		{ FWNMI_EVENT_EPOW, "EP" },
		{ FWNMI_EVENT_HOT_PLUG, "HP" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(required); i++) {
		/* Main-A, Main-B, an unknown section of 80 bytes, the required one of 80. */
		uint8_t log[SRC_AT + 160], buf[SRC_AT + 80];
		struct fwnmi_errlog decoded;

		memcpy(log, golden, SRC_AT + 80);
		memcpy(log + SRC_AT, "XX", 2);
		memcpy(log + SRC_AT + 80, golden + SRC_AT, 80);
		memcpy(log + SRC_AT + 80, required[i].id, 2);
		log[3] = required[i].type;
		log[7] = sizeof(log) - 8;
		assert_int_equal(fwnmi_errlog_fit(log, sizeof(log), buf, sizeof(buf)), sizeof(buf));
		assert_int_equal(fwnmi_errlog_decode(&decoded, buf, sizeof(buf)), sizeof(buf));
		assert_int_equal(decoded.nr_sections, 3);
		assert_int_equal(decoded.sections[2].id,
				 FWNMI_SECTION_ID(required[i].id[0], required[i].id[1]));
	}
}

static void another_vendors_log_is_cut_to_its_fixed_part(void **state)
{
	uint8_t log[sizeof(golden)], buf[sizeof(golden)];

	memcpy(log, golden, sizeof(log));
	log[HEADER_AT + 12] = 'X';
	assert_int_equal(fwnmi_errlog_fit(log, sizeof(log), buf, sizeof(log) - 1), 8);
	assert_int_equal(buf[1], golden[1] & ~4);
	assert_int_equal(buf[7], 0);
}

static void fitting_refuses_what_is_no_log(void **state)
{
	uint8_t log[sizeof(golden)], buf[sizeof(golden)];

	memcpy(log, golden, sizeof(log));
	assert_int_equal(fwnmi_errlog_fit(log, sizeof(log) - 1, buf, sizeof(buf)),
			 FWNMI_ERR_TRUNCATED);
	log[0] = 5;
	assert_int_equal(fwnmi_errlog_fit(log, sizeof(log), buf, sizeof(buf)),
			 FWNMI_ERR_BADVERSION);
	log[0] = 6;
	log[MAIN_A_AT + 3] = 7;
	assert_int_equal(fwnmi_errlog_fit(log, sizeof(log), buf, sizeof(buf)),
			 FWNMI_ERR_BADSTRUCTURE);
}

static void printing_names_type_subtype_addresses_and_disposition(void **state)
{
	static const char *const expected[] = {
		"error-sync (3)",
		"limited-recovery (1)",
		"CPU (1)",
		"platform-error (224)",
		"UE (0)",
		"load-store (3)",
		"0xc000000012345678",
		"0x0000000123450000",
		"2026-11-22 13:14",
		"FWMC0003",
		"big-endian (0x96)",
	};
	char text[4096];
	struct fwnmi_errlog log;
	int length;

	fwnmi_errlog_decode(&log, golden, sizeof(golden));
	length = fwnmi_errlog_print(&log, text, sizeof(text));
	assert_int_equal(length, strlen(text));
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		assert_non_null(strstr(text, expected[i]));
}

static void printing_into_any_smaller_buffer_gives_a_terminated_prefix(void **state)
{
	char whole[4096];
	struct fwnmi_errlog log;
	int length;

	fwnmi_errlog_decode(&log, golden, sizeof(golden));
	length = fwnmi_errlog_print(&log, whole, sizeof(whole));
	assert_int_equal(fwnmi_errlog_print(&log, NULL, 0), length);
	for (size_t size = 1; size <= (size_t)length; size++) {
		char *text = malloc(size);

		assert_non_null(text);
		assert_int_equal(fwnmi_errlog_print(&log, text, size), length);
		assert_int_equal(strlen(text), size - 1);
		assert_memory_equal(text, whole, size - 1);
		free(text);
	}
}

static void printing_lets_no_control_character_of_a_log_through(void **state)
{
	uint8_t buf[sizeof(golden)];
	char text[4096];
	struct fwnmi_errlog log;

	memcpy(buf, golden, sizeof(golden));
	memset(buf + SRC_AT + 0x30, 0x1b, 32);
	buf[MAIN_A_AT + 0x18] = 0x07;
	assert_int_equal(fwnmi_errlog_decode(&log, buf, sizeof(buf)), sizeof(golden));
	fwnmi_errlog_print(&log, text, sizeof(text));
	for (const char *p = text; *p; p++)
		assert_true(*p == '\n' || (*p >= 0x20 && *p < 0x7f));
}

static void every_name_parses_back_to_its_number(void **state)
{
	unsigned severities = 0, types = 0, subtypes = 0, events = 0;

	for (unsigned i = 0; i < 300; i++) {
		if (fwnmi_severity_name(i)) {
			severities++;
			assert_int_equal(fwnmi_severity_parse(fwnmi_severity_name(i)), i);
		}
		if (fwnmi_disposition_name(i))
			assert_int_equal(fwnmi_disposition_parse(fwnmi_disposition_name(i)), i);
		if (fwnmi_initiator_name(i))
			assert_int_equal(fwnmi_initiator_parse(fwnmi_initiator_name(i)), i);
		if (fwnmi_event_type_name(i)) {
			events++;
			assert_int_equal(fwnmi_event_type_parse(fwnmi_event_type_name(i)), i);
		}
		if (fwnmi_mc_type_name(i)) {
			types++;
			assert_int_equal(fwnmi_mc_type_parse(fwnmi_mc_type_name(i)), i);
		}
		for (unsigned type = 0; type < 300; type++) {
			if (!fwnmi_mc_subtype_name(type, i))
				continue;
			subtypes++;
			assert_int_equal(
				fwnmi_mc_subtype_parse(type, fwnmi_mc_subtype_name(type, i)), i);
		}
	}
	assert_int_equal(severities, 7);
	assert_int_equal(types, 7);
	assert_int_equal(subtypes, 5 + 3 + 3 + 3);
	assert_int_equal(events, 19);
}

static void names_are_compared_without_case_and_separators(void **state)
{
	assert_int_equal(fwnmi_severity_parse("ERROR_SYNC"), FWNMI_SEVERITY_ERROR_SYNC);
	assert_int_equal(fwnmi_severity_parse("already reported"), FWNMI_SEVERITY_ALREADY_REPORTED);
	assert_int_equal(fwnmi_disposition_parse("not recovered"), FWNMI_DISPOSITION_NOT_RECOVERED);
	assert_int_equal(fwnmi_mc_type_parse("dcache"), FWNMI_MC_D_CACHE);
	assert_int_equal(fwnmi_mc_type_parse("slb"), FWNMI_MC_SLB);
	assert_int_equal(fwnmi_mc_subtype_parse(FWNMI_MC_UE, "load/store"), FWNMI_UE_LOAD_STORE);
	assert_int_equal(fwnmi_mc_subtype_parse(FWNMI_MC_ERAT, "Multihit"), FWNMI_ERAT_MULTIHIT);
	assert_int_equal(fwnmi_mc_subtype_parse(FWNMI_MC_SLB, "multihit"), FWNMI_SLB_MULTIHIT);
}

static void an_unknown_name_is_refused(void **state)
{
	assert_int_equal(fwnmi_severity_parse(""), FWNMI_ERR_BADNAME);
	assert_int_equal(fwnmi_severity_parse("-"), FWNMI_ERR_BADNAME);
	assert_int_equal(fwnmi_severity_parse("error-syn"), FWNMI_ERR_BADNAME);
	assert_int_equal(fwnmi_severity_parse("error-sync2"), FWNMI_ERR_BADNAME);
	assert_int_equal(fwnmi_mc_subtype_parse(FWNMI_MC_UE, "multihit"), FWNMI_ERR_BADNAME);
	assert_int_equal(fwnmi_mc_subtype_parse(FWNMI_MC_D_CACHE, "parity"), FWNMI_ERR_BADNAME);
	assert_int_equal(fwnmi_mc_subtype_parse(1000, "parity"), FWNMI_ERR_BADNAME);
	assert_null(fwnmi_severity_name(7));
	assert_null(fwnmi_mc_subtype_name(FWNMI_MC_ERAT, 0));
}

static void every_error_has_a_sentence_of_its_own(void **state)
{
	for (int error = FWNMI_ERR_MISMATCH; error < 0; error++) {
		assert_string_not_equal(fwnmi_strerror(error), "unknown error");
		for (int other = error + 1; other <= 0; other++)
			assert_string_not_equal(fwnmi_strerror(error), fwnmi_strerror(other));
	}
	assert_string_equal(fwnmi_strerror(FWNMI_ERR_MISMATCH - 1), "unknown error");
	assert_string_equal(fwnmi_strerror(INT32_MIN), "unknown error");
	assert_string_equal(fwnmi_strerror(1), "no error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_log_is_encoded_to_the_bytes_of_the_format_chapter),
		cmocka_unit_test(the_bytes_of_the_format_chapter_are_decoded_to_every_field),
		cmocka_unit_test(decoding_lists_every_section_with_its_place),
		cmocka_unit_test(a_fixed_part_alone_is_eight_bytes_and_keeps_its_second_word),
		cmocka_unit_test(every_fixed_field_value_survives_a_round_trip),
		cmocka_unit_test(ue_subtypes_and_flags_stand_where_the_format_chapter_has_them),
		cmocka_unit_test(slb_erat_and_tlb_subtypes_stand_where_the_format_chapter_has_them),
		cmocka_unit_test(other_types_keep_their_specific_byte_as_it_is),
		cmocka_unit_test(an_address_that_is_not_valid_is_written_as_zero),
		cmocka_unit_test(encoding_refuses_what_the_format_cannot_express),
		cmocka_unit_test(encoding_into_any_smaller_buffer_fails_and_touches_nothing),
		cmocka_unit_test(a_log_cut_at_any_length_is_called_truncated),
		cmocka_unit_test(a_log_cut_at_any_length_has_what_is_before_the_cut),
		cmocka_unit_test(an_extended_part_of_wrong_length_is_bad_or_ends_between_sections),
		cmocka_unit_test(an_extended_length_above_the_format_limit_is_bad),
		cmocka_unit_test(a_section_of_any_wrong_length_is_refused_or_stays_inside_the_log),
		cmocka_unit_test(a_known_section_too_short_for_its_fields_is_bad),
		cmocka_unit_test(of_two_sections_with_the_same_id_the_first_is_decoded),
		cmocka_unit_test(any_single_corrupt_byte_is_survived),
		cmocka_unit_test(random_bytes_are_survived),
		cmocka_unit_test(
			a_log_of_the_greatest_length_with_the_smallest_sections_is_listed_whole),
		cmocka_unit_test(versions_3_to_6_are_decoded_and_others_refused),
		cmocka_unit_test(another_vendors_extended_format_is_accepted_without_sections),
		cmocka_unit_test(reserved_bits_do_not_change_what_is_decoded),
		cmocka_unit_test(bytes_after_the_log_are_ignored),
		cmocka_unit_test(a_log_that_fits_is_copied_as_it_is),
		cmocka_unit_test(a_log_cut_to_any_size_has_whole_sections_only),
		cmocka_unit_test(a_shorter_optional_section_stays_where_a_longer_one_does_not),
		cmocka_unit_test(a_cut_log_keeps_the_section_that_its_type_must_have),
		cmocka_unit_test(another_vendors_log_is_cut_to_its_fixed_part),
		cmocka_unit_test(fitting_refuses_what_is_no_log),
		cmocka_unit_test(printing_names_type_subtype_addresses_and_disposition),
		cmocka_unit_test(printing_into_any_smaller_buffer_gives_a_terminated_prefix),
		cmocka_unit_test(printing_lets_no_control_character_of_a_log_through),
		cmocka_unit_test(every_name_parses_back_to_its_number),
		cmocka_unit_test(names_are_compared_without_case_and_separators),
		cmocka_unit_test(an_unknown_name_is_refused),
		cmocka_unit_test(every_error_has_a_sentence_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
