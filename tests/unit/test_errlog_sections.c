/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parts of a log that are only decoded, against bytes written by hand from LoPAR's tables: FRU
 * call-outs, the sections of a service processor, and versions 3 to 5. Each is decoded whole,
 * truncated anywhere and damaged anywhere.
 */
#include <fwnmi/errlog.h>

#include "unit.h"

/* A log that is built section by section. */
struct log {
	uint8_t bytes[FWNMI_ERRLOG_MAX];
	size_t length;
};

static void set_length(struct log *log)
{
	log->bytes[6] = (uint8_t)((log->length - 8) >> 8);
	log->bytes[7] = (uint8_t)(log->length - 8);
}

static struct log empty_log(void)
{
	static const uint8_t start[24] = { 6, 0x44, 0, 0xe0, 0, 0, 0, 16, 0x86, 0,   0x8e, 0,
					   0, 0,    0, 0,    0, 0, 0, 0,  'I',	'B', 'M',  0 };
	struct log log = { .length = sizeof(start) };

	memcpy(log.bytes, start, sizeof(start));
	return log;
}

/* Adds a section with these bytes after its header, which gets version 1 and this subtype. */
static void add_section(struct log *log, const char *id, uint8_t subtype, const void *body,
			size_t size)
{
	uint8_t *p = log->bytes + log->length;

	memcpy(p, id, 2);
	p[2] = (uint8_t)((size + 8) >> 8);
	p[3] = (uint8_t)(size + 8);
	p[4] = 1;
	p[5] = subtype;
	p[6] = 0x12;
	p[7] = 0x34;
	memcpy(p + 8, body, size);
	log->length += size + 8;
	set_length(log);
}

static struct fwnmi_errlog decode(const struct log *log)
{
	uint8_t *copy = exact_copy(log->bytes, log->length);
	struct fwnmi_errlog decoded;

	assert_int_equal(fwnmi_errlog_decode(&decoded, copy, log->length), log->length);
	free(copy);
	return decoded;
}

/* Checks that the text of a log has these lines, in this order. */
static void assert_prints(const struct fwnmi_errlog *log, const char *lines)
{
	char text[16384];

	assert_true(fwnmi_errlog_print(log, text, sizeof(text)) < (int)sizeof(text));
	if (!strstr(text, lines))
		fail_msg("no\n%s\nin\n%s", lines, text);
}

/*
 * Whatever is cut off or damaged, there is a text, and no read out of bounds (a memory checker sees
 * that).
 */
static void assert_survives(const struct log *log)
{
	for (size_t size = 0; size < log->length; size++) {
		uint8_t *cut = exact_copy(log->bytes, size);
		struct fwnmi_errlog decoded;

		fwnmi_errlog_decode(&decoded, cut, size);
		assert_true(fwnmi_errlog_print(&decoded, NULL, 0) > 0);
		free(cut);
	}
	for (size_t i = 0; i < log->length; i++) {
		static const uint8_t values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };

		for (size_t v = 0; v < sizeof(values); v++) {
			uint8_t *copy = exact_copy(log->bytes, log->length);
			struct fwnmi_errlog decoded;

			copy[i] = values[v];
			fwnmi_errlog_decode(&decoded, copy, log->length);
			assert_true(fwnmi_errlog_print(&decoded, NULL, 0) > 0);
			free(copy);
		}
	}
}

/* ---- FRU call outs ---- */

/* A primary SRC with these call-outs; each has its own length, and the list is padded to words. */
static struct log log_with_callouts(const void *callouts, size_t size)
{
	struct log log = empty_log();
	uint8_t body[400] = { 2, 1 };
	size_t words = (4 + size + 3) / 4;

	memcpy(body + 0x30 - 8, "B112E500                        ", 32);
	body[72] = 0xc0;
	body[74] = (uint8_t)(words >> 8);
	body[75] = (uint8_t)words;
	memcpy(body + 76, callouts, size);
	add_section(&log, "PS", 0, body, 72 + 4 * words);
	return log;
}

/* A procedure; hardware with all of its numbers, an enclosure and two replaceable units. */
/* clang-format off */
static const uint8_t two_callouts[] = {
	16, 0x28, 'H', 0,
	'I', 'D', 12, 0x42, 'F', 'S', 'P', 'S', 'P', '2', '4', 0,

	28 + 28 + 28 + 24, 0x2f, 'A', 24,
	'U', '7', '8', '7', 'E', '.', '0', '0', '1', '.', '1', '0', '9', '8', '7', '6', '5', '-',
	'P', '1', 0, 0, 0, 0,
	'I', 'D', 28, 0x1d, '8', '0', 'P', '4', '1', '4', '2', 0, '2', '6', '1', 'C',
	'Y', 'L', '3', '1', 'F', '4', '1', '9', '7', '0', '0', '3',
	'P', 'E', 28, 0, '9', '1', '1', '7', '-', 'M', 'M', 'A', '1', '0', '1', 'A', 'B', 'C', 'D',
	0, 0, 0, 0, 0, 'n', '0', 0, 0,
	'M', 'R', 24, 2, 0, 0, 0, 0, 0, 0, 0, 'L', 0, 0x81, 0x03, 0x99, 0, 0, 0, 'M', 1, 2, 3, 4,
};
/* clang-format on */

static void call_outs_of_the_primary_src_are_decoded(void **state)
{
	struct log log = log_with_callouts(two_callouts, sizeof(two_callouts));
	struct fwnmi_errlog decoded = decode(&log);

	assert_int_equal(decoded.primary_src.nr_callouts, 2);
	assert_false(decoded.primary_src.callouts_damaged);
	assert_prints(&decoded, "  Reference code:    B112E500\n");
	assert_prints(&decoded, "  Call-out 1\n"
				"    Priority:        H (high)\n"
				"    Component:       4 (maintenance procedure)\n"
				"    Procedure:       FSPSP24\n"
				"  Call-out 2\n"
				"    Priority:        A (medium, group A)\n"
				"    Location code:   U787E.001.1098765-P1\n"
				"    Component:       1 (hardware)\n"
				"    Part number:     80P4142\n"
				"    CCIN:            261C\n"
				"    Serial number:   YL31F4197003\n"
				"    Power controlling enclosure\n"
				"      Machine type:  9117-MMA\n"
				"      Serial number: 101ABCD\n"
				"      Name:          n0\n"
				"    Replaceable unit 1\n"
				"      Priority:      L (low)\n"
				"      Id:            0x00810399\n"
				"    Replaceable unit 2\n"
				"      Priority:      M (medium)\n"
				"      Id:            0x01020304\n");
	assert_survives(&log);
}

static void a_call_out_without_a_part_has_its_location_only(void **state)
{
	static const uint8_t callout[] = { 12, 0x28, 'L', 4, 'P', '1', 0, 0, 'I', 'D', 4, 0x10 };
	struct log log = log_with_callouts(callout, sizeof(callout));
	struct fwnmi_errlog decoded = decode(&log);

	assert_prints(&decoded, "  Call-out 1\n"
				"    Priority:        L (low)\n"
				"    Location code:   P1\n"
				"    Component:       1 (hardware)\n"
				"\n");
}

static void a_damaged_call_out_is_named_and_those_before_it_stay(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} damages[] = {
		{ 16, 3 }, /* the second call out's length: less than its fixed fields, */
		{ 16, 255 }, /* or past the end */
		{ 19, 200 }, /* location past the call out's end, */
		{ 19, 84 }, /* or longer than the maximum */
		{ 16 + 28 + 2, 3 }, /* substructure's length */
		{ 16 + 28 + 2, 250 },
		{ 16 + 28 + 2, 8 }, /* too short for what its flags say */
		{ 16 + 28 + 28 + 28 + 3, 15 }, /* more replaceable units than there are */
	};

	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		uint8_t callouts[sizeof(two_callouts)];
		struct fwnmi_errlog decoded;
		struct log log;

		memcpy(callouts, two_callouts, sizeof(callouts));
		callouts[damages[i].at] = damages[i].value;
		log = log_with_callouts(callouts, sizeof(callouts));
		decoded = decode(&log);
		assert_true(decoded.primary_src.callouts_damaged);
		assert_string_equal(decoded.primary_src.callouts[0].procedure, "FSPSP24");
		assert_prints(&decoded, "  Call-outs damaged: yes\n");
	}
}

static void no_more_call_outs_than_the_format_allows_are_decoded(void **state)
{
	uint8_t callouts[12 * 4];
	struct log log;

	for (size_t i = 0; i < sizeof(callouts); i += 4)
		memcpy(callouts + i, "\x04\x20L\0", 4);
	log = log_with_callouts(callouts, sizeof(callouts));
	assert_int_equal(decode(&log).primary_src.nr_callouts, FWNMI_MAX_CALLOUTS);
}

/* A log that is decoded and encoded again has no call-outs, and must not claim any. */
static void an_encoded_src_does_not_claim_call_outs(void **state)
{
	struct log log = log_with_callouts(two_callouts, sizeof(two_callouts));
	struct fwnmi_errlog decoded = decode(&log);
	uint8_t buf[FWNMI_ERRLOG_MAX];
	int length = fwnmi_errlog_encode(&decoded, buf, sizeof(buf));

	assert_int_equal(length, 24 + 80);
	assert_int_equal(fwnmi_errlog_decode(&decoded, buf, (size_t)length), length);
	assert_int_equal(decoded.primary_src.nr_callouts, 0);
	assert_false(decoded.primary_src.callouts_damaged);
}

/* ---- other sections ---- */

static void assert_section(const char *id, uint8_t subtype, const void *body, size_t size,
			   const char *lines)
{
	struct log log = empty_log();
	struct fwnmi_errlog decoded;

	add_section(&log, id, subtype, body, size);
	decoded = decode(&log);
	assert_prints(&decoded, lines);
	assert_survives(&log);

	/* A section too short for its kind is listed, but not decoded. */
	log = empty_log();
	add_section(&log, id, subtype, body, 3);
	decoded = decode(&log);
	assert_int_equal(decoded.nr_sections, 1);
	assert_prints(&decoded, "(id, offset, length)\n");
}

static void the_failing_enclosure_is_decoded(void **state)
{
	assert_section("MT", 0, "9123-710100035A\0\0\0\0\0", 20,
		       "Failing enclosure (MT)\n"
		       "  Machine type:      9123-710\n"
		       "  Serial number:     100035A\n");
}

static void the_extended_header_is_decoded(void **state)
{
	uint8_t body[88] = { 0 };

	memcpy(body, "9080-M9S13ABCDE", 15);
	memcpy(body + 20, "FW950.30", 8);
	memcpy(body + 36, "b0823b_2135.950", 15);
	memcpy(body + 0x38, "\x20\x26\x11\x22\x13\x14\x15\x16", 8);
	body[0x43] = 20;
	memcpy(body + 0x44, "B181E550_12345678\0\0\0", 20);
	assert_section("EH", 0, body, sizeof(body),
		       "Extended header (EH)\n"
		       "  Machine type:      9080-M9S\n"
		       "  Serial number:     13ABCDE\n"
		       "  Firmware version:  FW950.30\n"
		       "  Subsystem version: b0823b_2135.950\n"
		       "  Event time:        2026-11-22 13:14:15.16\n"
		       "  Symptom id:        B181E550_12345678\n");
}

static void a_logical_resource_is_decoded_by_its_type(void **state)
{
	assert_section("LR", 0, "\x10\0\0\0\0\0\0\x07\0\0\0\0", 12,
		       "Logical resource (LR)\n"
		       "  Resource type:     0x10 (processor)\n"
		       "  Logical CPU:       7\n");
	assert_section("LR", 0, "\x11\0\x00\x14\0\0\0\0\0\0\0\0", 12,
		       "  Resource type:     0x11 (shared processor)\n"
		       "  Entitled capacity: 20 hundredths of a CPU\n");
	assert_section("LR", 0, "\x40\0\0\0\0\0\0\x01\x23\x45\0\0", 12,
		       "  Resource type:     0x40 (memory page)\n"
		       "  Logical address:   0x0000000123450000\n");
	assert_section("LR", 0, "\x41\0\0\0\x80\0\0\x05\0\0\0\0", 12,
		       "  Resource type:     0x41 (memory LMB)\n"
		       "  DRC index:         0x80000005\n");
}

static void impacted_partitions_are_decoded(void **state)
{
	assert_section("LP", 0, "\0\x01\x08\x03\0\0\0\x09lpar one\0\x01\0\x05\1\0\0\0", 24,
		       "Impacted partitions (LP)\n"
		       "  Primary partition: 1\n"
		       "  Partition id:      0x00000009\n"
		       "  Name:              lpar one\n"
		       "  Partitions:        1 5 256\n");
}

static void an_epow_is_decoded(void **state)
{
	struct fwnmi_errlog decoded;
	struct log log = empty_log();

	assert_section("EP", 0, "\x03\x01\0\0\0\0\0\0\0\0\0\x07", 12,
		       "EPOW (EP)\n"
		       "  Sensor value:      0x03\n"
		       "  Action:            3 (shut down)\n"
		       "  Modifier:          1 (normal shutdown)\n"
		       "  Reason code:       0x0000000000000007\n");
	/* From version 2 on, the section says whom it concerns. */
	add_section(&log, "EP", 0, "\x03\x02\x01\0\0\0\0\0\0\0\0\0", 12);
	log.bytes[28] = 2;
	decoded = decode(&log);
	assert_prints(&decoded, "  Modifier:          2 (utility power lost, on battery)\n"
				"  Scope:             1 (partition)\n");
}

static void an_io_event_is_decoded(void **state)
{
	assert_section("IE", 0, "\x03\x00\x38\x05\x20\0\0\x01\0\0\0\0\0\x10\0\0", 16,
		       "I/O event (IE)\n"
		       "  Event type:        3 (event)\n"
		       "  Scope:             0x38 (PHB)\n"
		       "  Event subtype:     5 (platform-dump-max-size changed)\n"
		       "  DRC index:         0x20000001\n"
		       "  Data:              00000000 00100000\n");
}

static void a_hot_plug_event_is_decoded_by_its_identifier(void **state)
{
	assert_section("HP", 0, "\x01\x01\x02\0\x10\0\0\x02", 8,
		       "Hot plug (HP)\n"
		       "  Resource type:     1 (CPU)\n"
		       "  Action:            1 (add)\n"
		       "  Identified by:     2 (DRC index)\n"
		       "  Capabilities:      (0x00)\n"
		       "  DRC index:         0x10000002\n"
		       "\n");
	assert_section("HP", 0, "\x02\x02\x03\0\0\0\0\x10", 8,
		       "  Resource type:     2 (memory)\n"
		       "  Action:            2 (remove)\n"
		       "  Identified by:     3 (count)\n"
		       "  Capabilities:      (0x00)\n"
		       "  Count:             16\n");
	assert_section("HP", 0, "\x02\x01\x04\xc0\0\0\0\x08\x80\0\0\x03\0\0\0\x2a", 16,
		       "  Identified by:     4 (count from a DRC index)\n"
		       "  Capabilities:      token non-transactional (0xc0)\n"
		       "  DRC index:         0x80000003\n"
		       "  Count:             8\n"
		       "  Token:             0x0000002a\n");
	assert_section("HP", 0, "\x04\x01\x01\0PHB 1\0\0\0", 12,
		       "  Identified by:     1 (DRC name)\n"
		       "  Capabilities:      (0x00)\n"
		       "  DRC name:          PHB 1\n");
}

static void a_dump_locator_is_decoded(void **state)
{
	uint8_t body[56] = { 0x01, 0, 0, 0x02, 0x20, 0, 0, 8, 0, 0, 0, 0, 0, 0x4f, 0x13, 0xa0 };

	memcpy(body + 16, "dump.1", 6);
	assert_section("DH", 2, body, sizeof(body),
		       "Dump locator (DH)\n"
		       "  Kind:              2 (platform dump)\n"
		       "  Dump id:           0x01000002\n"
		       "  Flags:             size-valid (0x20)\n"
		       "  Size:              5182368 bytes\n"
		       "  File name:         dump.1\n");
	body[4] = 0xc0;
	assert_section("DH", 7, body, sizeof(body),
		       "  Flags:             sent-to-HMC hexadecimal-name (0xc0)\n"
		       "  File name:         64756d70 2e310000\n");
}

static void codes_of_the_main_sections_have_their_meaning(void **state)
{
	static const uint8_t main_a[40] = { [16] = 'E' };
	static const uint8_t main_b[16] = { 0x23, 0, 0x44, 0x70, [10] = 0xa8, 0 };
	struct log log = empty_log();
	struct fwnmi_errlog decoded;

	add_section(&log, "PH", 0, main_a, sizeof(main_a));
	add_section(&log, "UH", 0, main_b, sizeof(main_b));
	decoded = decode(&log);
	assert_prints(&decoded, "  Creator:           E (service processor)\n");
	assert_prints(&decoded,
		      "  Subsystem:         0x23 (memory DIMM)\n"
		      "  Event severity:    0x44 (unrecoverable, bypassed, redundancy lost)\n"
		      "  Event subtype:     0x70 (resource sparing)\n"
		      "  Action flags:      service-action-required report-externally call-home "
		      "(0xa800)\n");
	assert_prints(&decoded, "  PH    24    48  Main-A\n"
				"  UH    72    24  Main-B\n");
}

/* A code without its own name has the name of its range. */
static void unknown_codes_of_a_known_range_have_its_name(void **state)
{
	static const struct {
		uint8_t subsystem;
		const char *line;
	} cases[] = {
		{ 0x1f, "0x1f (processor)\n" },
		{ 0x4e, "0x4e (I/O adapter or device)\n" },
		{ 0x7c, "0x7c (surveillance)\n" },
		{ 0xb0, "0xb0\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const uint8_t main_b[16] = { cases[i].subsystem };
		struct log log = empty_log();
		struct fwnmi_errlog decoded;

		add_section(&log, "UH", 0, main_b, sizeof(main_b));
		decoded = decode(&log);
		assert_prints(&decoded, cases[i].line);
	}
}

/* ---- versions 3 to 5 ---- */

/* A log of version 4 and this format, with a detail and what follows it. */
static struct log old_log(uint8_t format, const void *detail, size_t size)
{
	static const uint8_t start[20] = {
		4,    0x44, 0x14, 0x0a, 0,    0, 0,    12,   0xae, 0,
		0x80, 0x06, 0x20, 0x07, 0x18, 0, 0x20, 0x03, 0x07, 0x22
	};
	struct log log = { .length = sizeof(start) + size };

	memcpy(log.bytes, start, sizeof(start));
	log.bytes[10] |= format;
	memcpy(log.bytes + sizeof(start), detail, size);
	set_length(&log);
	return log;
}

static void assert_old(uint8_t format, const void *detail, size_t size, const char *lines)
{
	struct log log = old_log(format, detail, size);
	struct fwnmi_errlog decoded = decode(&log);

	assert_prints(&decoded, lines);
	assert_survives(&log);
}

static void the_header_of_an_old_log_is_decoded(void **state)
{
	static const uint8_t detail[28];

	assert_old(15, detail, sizeof(detail),
		   "Version:             4\n"
		   "Severity:            warning (2)\n"
		   "Disposition:         fully-recovered (0)\n"
		   "Initiator:           CPU (1)\n"
		   "Target:              memory (4)\n"
		   "Type:                ECC-corr (10)\n"
		   "Extended log:        40 bytes\n"
		   "\n"
		   "Extended log\n"
		   "  Flags:             valid recoverable predictive new big-endian (0xae)\n"
		   "  Format:            15 (vendor specific)\n"
		   "  Created:           2003-07-22 20:07:18.00\n"
		   "  Origin:            during-boot configuration-changed (0x06)\n");
}

static void an_old_cpu_failure_is_decoded(void **state)
{
	static const uint8_t detail[28] = { 0x41, 3, 0, 9, 0, 0, 0, 1, 0x23, 0x45, 0, 0, 0x80 };

	assert_old(FWNMI_ERRLOG_FORMAT_CPU, detail, sizeof(detail),
		   "CPU\n"
		   "  Conditions:        internal-cache system-bus-protocol (0x41000000)\n"
		   "  CPU:               3\n"
		   "  Element:           0x0009\n"
		   "  Failing address:   0x0000000123450000\n"
		   "  Reboot may help:   yes\n");
}

static void an_old_memory_failure_is_decoded(void **state)
{
	static const uint8_t detail[28] = { 0x60, 0x01, 1,    2, 0, 0, 0, 1, 0x23, 0x45, 0,
					    0,	  0x12, 0x34, 5, 0, 0, 0, 0, 6,	   0,	 7 };
	struct log log = old_log(FWNMI_ERRLOG_FORMAT_MEMORY, detail, sizeof(detail));
	struct fwnmi_errlog decoded;

	assert_old(FWNMI_ERRLOG_FORMAT_MEMORY, detail, sizeof(detail),
		   "Memory\n"
		   "  Conditions:        ECC-correctable threshold-exceeded system-bus-internal "
		   "(0x60010000)\n"
		   "  Detected by:       1\n"
		   "  Faulty controller: 2\n"
		   "  Failing address:   0x0000000123450000\n"
		   "  ECC syndrome:      0x1234\n"
		   "  Memory card:       5\n"
		   "  Sub-elements:      0x00000006\n"
		   "  Element:           0x0007\n");
	log.bytes[10] |= 0x10; /* no address was available */
	decoded = decode(&log);
	assert_prints(&decoded, "  Failing address:   not provided\n");
}

static void an_old_io_failure_is_decoded_with_its_locations(void **state)
{
	static const uint8_t detail[] = { 0x00, 0x02, 1,   0x11, 0x12, 0x34, 0x10, 0x14, 2,
					  3,	0,    0,   0,	 0,    0,    0,	   0,	 0,
					  0,	0,    0,   0,	 0,    0,    0,	   0,	 0,
					  0,	'I',  'B', 'M',	 0,    'U',  '0',  '-',	 'P',
					  '1',	' ',  'U', '1',	 0,    9 };

	assert_old(FWNMI_ERRLOG_FORMAT_IO, detail, sizeof(detail),
		   "  Location codes:    U0-P1 U1\n"
		   "\n"
		   "I/O\n"
		   "  Conditions:        expansion-bus-connection (0x00020000)\n"
		   "  Signalling adapter\n"
		   "    Bus:             1\n"
		   "    Device:          2\n"
		   "    Function:        1\n"
		   "    Vendor id:       0x1014\n"
		   "    Device id:       0x1234\n"
		   "    Revision:        0x02\n"
		   "    Slot:            3\n");
}

static void an_old_post_failure_is_decoded(void **state)
{
	static const uint8_t detail[28] = "\x28\x10scsi@0\0\0\0\0\0\0"
					  "2A3F"
					  "17"
					  "P1-I3\0\0";

	assert_old(FWNMI_ERRLOG_FORMAT_POST, detail, sizeof(detail),
		   "POST\n"
		   "  Conditions:        CPU I/O boot-disk (0x28100000)\n"
		   "  Device:            scsi@0\n"
		   "  Error code:        2A3F\n"
		   "  Firmware level:    17\n"
		   "  Location code:     P1-I3\n");
}

static void an_old_epow_is_decoded(void **state)
{
	static const uint8_t detail[28] = { 0, 0, 0, 1, 0xa8, 0x80, 0, 0,  0, 0, 0x23, 0x29,
					    0, 0, 0, 1, 0,    0,    0, 30, 0, 0, 0,    9 };

	assert_old(FWNMI_ERRLOG_FORMAT_EPOW, detail, sizeof(detail),
		   "EPOW\n"
		   "  Sensor value:      0x00000001\n"
		   "  Action:            1 (warn, cooling)\n"
		   "  Conditions:        by-sensor fan redundancy-lost general (0xa8800000)\n"
		   "  Sensor token:      9001\n"
		   "  Sensor index:      1\n"
		   "  Sensor reading:    30\n"
		   "  Sensor status:     9\n");
}

static void an_old_service_processor_failure_is_decoded(void **state)
{
	static const uint8_t detail[28] = { 'I', 'B', 'M', 0, 0x82, 0x10, 0x41, 0x08,
					    0,	 0,   0,   5, 0,    0,	  0,	6 };

	assert_old(FWNMI_ERRLOG_FORMAT_SERVICE_PROCESSOR, detail, sizeof(detail),
		   "Service processor\n"
		   "  Conditions:        timeout firmware fan-sensor NVRAM surveillance "
		   "power-network-access (0x82104108)\n"
		   "  Sensor token:      5\n"
		   "  Sensor index:      6\n");
	assert_old(FWNMI_ERRLOG_FORMAT_DIAGNOSTICS, "\x12\x34\x56\x78                        ", 28,
		   "Diagnostics\n"
		   "  Event id:          0x12345678\n");
}

static void an_old_log_shorter_than_its_detail_has_its_header(void **state)
{
	static const uint8_t detail[8];
	struct log log = old_log(FWNMI_ERRLOG_FORMAT_CPU, detail, sizeof(detail));
	struct fwnmi_errlog decoded = decode(&log);

	assert_true(decoded.has_old_extended);
	assert_false(decoded.old_extended.has_detail);
	log.length = 19;
	set_length(&log);
	assert_int_equal(fwnmi_errlog_decode(&decoded, log.bytes, log.length),
			 FWNMI_ERR_BADSTRUCTURE);
}

/* Partitions only use version 6. */
static void an_old_log_is_for_reading_only(void **state)
{
	static const uint8_t detail[28];
	struct log log = old_log(FWNMI_ERRLOG_FORMAT_CPU, detail, sizeof(detail));
	struct fwnmi_errlog decoded = decode(&log);
	uint8_t buf[FWNMI_ERRLOG_MAX];

	assert_int_equal(fwnmi_errlog_encode(&decoded, buf, sizeof(buf)), FWNMI_ERR_INVALID);
	assert_int_equal(fwnmi_errlog_fit(log.bytes, log.length, buf, sizeof(buf)),
			 FWNMI_ERR_BADVERSION);
}

/* ---- fields ---- */

/* Open groups and their maximum, and fields outside of groups. */
struct counts {
	unsigned depth, deepest, groups, fields;
};

static void count_open(void *opaque, const char *key, const char *title, unsigned number)
{
	struct counts *counts = opaque;

	assert_true(strspn(key, "abcdefghijklmnopqrstuvwxyz_") == strlen(key));
	assert_true(strlen(title) > 0);
	counts->groups++;
	if (++counts->depth > counts->deepest)
		counts->deepest = counts->depth;
}

static void count_close(void *opaque)
{
	struct counts *counts = opaque;

	assert_true(counts->depth-- > 0);
}

static void count_field(void *opaque, const struct fwnmi_errlog_field *field)
{
	struct counts *counts = opaque;

	assert_true(strspn(field->key, "abcdefghijklmnopqrstuvwxyz_") == strlen(field->key));
	assert_true(strlen(field->label) > 0 && strlen(field->label) < 20);
	counts->fields++;
}

static void visiting_opens_and_closes_groups_in_pairs(void **state)
{
	static const struct fwnmi_errlog_visitor visitor = { count_open, count_close, count_field };
	struct log log = log_with_callouts(two_callouts, sizeof(two_callouts));
	struct fwnmi_errlog decoded = decode(&log);
	struct counts counts = { 0 };

	fwnmi_errlog_visit(&decoded, &visitor, &counts);
	assert_int_equal(counts.depth, 0);
	assert_int_equal(counts.deepest, 3);
	/* The extended log, the SRC, its call-outs and their contents, and the section's entry. */
	assert_int_equal(counts.groups, 1 + 1 + 2 + 3 + 1);
	assert_true(counts.fields > 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(call_outs_of_the_primary_src_are_decoded),
		cmocka_unit_test(a_call_out_without_a_part_has_its_location_only),
		cmocka_unit_test(a_damaged_call_out_is_named_and_those_before_it_stay),
		cmocka_unit_test(no_more_call_outs_than_the_format_allows_are_decoded),
		cmocka_unit_test(an_encoded_src_does_not_claim_call_outs),
		cmocka_unit_test(the_failing_enclosure_is_decoded),
		cmocka_unit_test(the_extended_header_is_decoded),
		cmocka_unit_test(a_logical_resource_is_decoded_by_its_type),
		cmocka_unit_test(impacted_partitions_are_decoded),
		cmocka_unit_test(an_epow_is_decoded),
		cmocka_unit_test(an_io_event_is_decoded),
		cmocka_unit_test(a_hot_plug_event_is_decoded_by_its_identifier),
		cmocka_unit_test(a_dump_locator_is_decoded),
		cmocka_unit_test(codes_of_the_main_sections_have_their_meaning),
		cmocka_unit_test(unknown_codes_of_a_known_range_have_its_name),
		cmocka_unit_test(the_header_of_an_old_log_is_decoded),
		cmocka_unit_test(an_old_cpu_failure_is_decoded),
		cmocka_unit_test(an_old_memory_failure_is_decoded),
		cmocka_unit_test(an_old_io_failure_is_decoded_with_its_locations),
		cmocka_unit_test(an_old_post_failure_is_decoded),
		cmocka_unit_test(an_old_epow_is_decoded),
		cmocka_unit_test(an_old_service_processor_failure_is_decoded),
		cmocka_unit_test(an_old_log_shorter_than_its_detail_has_its_header),
		cmocka_unit_test(an_old_log_is_for_reading_only),
		cmocka_unit_test(visiting_opens_and_closes_groups_in_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
