/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RTAS event logs: build (version 6), decode (versions 3 to 6), print, and name their fields.
 * Delivery is in fwnmi.h. The spec is LoPAR chapter "RTAS Error/Event Return Format", and its
 * earlier editions for versions 3 to 5. A log is big-endian even for a little-endian guest.
 */
#ifndef FWNMI_ERRLOG_H
#define FWNMI_ERRLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/*
 * Every libfwnmi function that can fail returns one of these negative values. fwnmi_strerror()
 * describes them.
 *
 * A pointer may be NULL only where the function's description says so. Any other call with NULL
 * changes nothing and returns FWNMI_ERR_INVALID, or what stands for nothing if the function returns
 * no errors: false, 0, NULL, or -1 from fwnmi_owner(). A buffer may be NULL if its size is 0.
 */
enum fwnmi_error {
	FWNMI_ERR_INVALID = -1, /* a value is missing, outside its range or contradicts another */
	FWNMI_ERR_NOSPACE = -2, /* the caller's buffer, or the RTAS area, is too small */
	FWNMI_ERR_TRUNCATED = -3, /* the log or record is shorter than the length it states */
	FWNMI_ERR_BADVERSION =
		-4, /* the log is of a version that is not known, or not allowed here */
	FWNMI_ERR_BADSTRUCTURE = -5, /* a length in the log contradicts its surroundings */
	FWNMI_ERR_BADNAME = -6, /* no such name for this field */
	FWNMI_ERR_CPU = -7, /* no such vCPU */
	FWNMI_ERR_PARAMETER = -8, /* RTAS parameter error: a routine that cannot be called */
	FWNMI_ERR_MEMORY = -9, /* the host could not read guest memory */
	FWNMI_ERR_BUSY = -10, /* this vCPU already waits for a machine check to be delivered */
	FWNMI_ERR_NO_EVENT = -11, /* strict only: interlock, but this vCPU has no event */
	FWNMI_ERR_NO_CAUSE = -12, /* this processor has no cause bits for such an error */
	FWNMI_ERR_BADRECORD = -13, /* no state record, or a damaged one */
	FWNMI_ERR_FUTURE = -14, /* a state record of a version newer than this library knows */
	FWNMI_ERR_MISMATCH = -15, /* a state record of a partition that was set up differently */
};

/**
 * fwnmi_strerror() - describe an error code
 * @error: a negative enum fwnmi_error; other values are allowed
 *
 * returns: one short English sentence without a full stop, never NULL
 */
const char *fwnmi_strerror(int error);

/* Maximum size of a log in bytes: LoPAR's 2 KiB bound. "rtas-error-log-max" must be this. */
#define FWNMI_ERRLOG_MAX	2048
/* Size of the fixed part, including the extended length word. */
#define FWNMI_ERRLOG_FIXED_SIZE 8

/* LoPAR table "RTAS Event Return Format (Fixed Part)", bits 0:7 */
#define FWNMI_ERRLOG_VERSION	    6
/* The oldest version that can be decoded. */
#define FWNMI_ERRLOG_OLDEST_VERSION 3

/* bits 8:10 */
enum fwnmi_severity {
	FWNMI_SEVERITY_NO_ERROR = 0,
	FWNMI_SEVERITY_EVENT = 1,
	FWNMI_SEVERITY_WARNING = 2,
	FWNMI_SEVERITY_ERROR_SYNC = 3,
	FWNMI_SEVERITY_ERROR = 4,
	FWNMI_SEVERITY_FATAL = 5,
	FWNMI_SEVERITY_ALREADY_REPORTED = 6,
};

/* bits 11:12 */
enum fwnmi_disposition {
	FWNMI_DISPOSITION_FULLY_RECOVERED = 0, /* never together with severity fatal */
	FWNMI_DISPOSITION_LIMITED_RECOVERY = 1,
	FWNMI_DISPOSITION_NOT_RECOVERED = 2,
};

/* bits 16:19 initiator, 20:23 target */
enum fwnmi_initiator {
	FWNMI_INITIATOR_UNKNOWN = 0,
	FWNMI_INITIATOR_CPU = 1,
	FWNMI_INITIATOR_PCI = 2,
	FWNMI_INITIATOR_ISA = 3,
	FWNMI_INITIATOR_MEMORY = 4,
	FWNMI_INITIATOR_POWER_MANAGEMENT = 5,
	FWNMI_INITIATOR_HOT_PLUG = 6,
};

/* bits 24:31 */
enum fwnmi_event_type {
	FWNMI_EVENT_OTHER = 0,
	FWNMI_EVENT_RETRY = 1,
	FWNMI_EVENT_TCE_ERR = 2,
	FWNMI_EVENT_INTERN_DEV_FAIL = 3,
	FWNMI_EVENT_TIMEOUT = 4,
	FWNMI_EVENT_DATA_PARITY = 5,
	FWNMI_EVENT_ADDR_PARITY = 6,
	FWNMI_EVENT_CACHE_PARITY = 7,
	FWNMI_EVENT_ADDR_INVALID = 8,
	FWNMI_EVENT_ECC_UNCORR = 9,
	FWNMI_EVENT_ECC_CORR = 10,
	FWNMI_EVENT_EPOW = 64,
	FWNMI_EVENT_PLATFORM_RESOURCE_REASSIGNMENT = 160,
	FWNMI_EVENT_PLATFORM_ERROR = 224,
	FWNMI_EVENT_IO_EVENTS = 225,
	FWNMI_EVENT_PLATFORM_INFORMATION = 226,
	FWNMI_EVENT_RESOURCE_DEALLOCATION = 227,
	FWNMI_EVENT_DUMP_NOTIFICATION = 228,
	FWNMI_EVENT_HOT_PLUG = 229,
};

/* Byte 0 of the extended log, LoPAR table "RTAS General Extended Event Log Format, Version 6" */
#define FWNMI_ERRLOG_VALID	   0x80
#define FWNMI_ERRLOG_UNRECOVERABLE 0x40
#define FWNMI_ERRLOG_RECOVERABLE   0x20
#define FWNMI_ERRLOG_DEGRADED	   0x10
#define FWNMI_ERRLOG_PREDICTIVE	   0x08
#define FWNMI_ERRLOG_NEW	   0x04
#define FWNMI_ERRLOG_BIG_ENDIAN	   0x02

/* Byte 2, bits 4:7: the log is a platform event log */
#define FWNMI_ERRLOG_FORMAT_PLATFORM_EVENT 14

/* The same bits in versions 3 to 5: the subject of the log's detail. */
enum fwnmi_errlog_format {
	FWNMI_ERRLOG_FORMAT_CPU = 1,
	FWNMI_ERRLOG_FORMAT_MEMORY = 2,
	FWNMI_ERRLOG_FORMAT_IO = 3,
	FWNMI_ERRLOG_FORMAT_POST = 4,
	FWNMI_ERRLOG_FORMAT_EPOW = 5,
	FWNMI_ERRLOG_FORMAT_DIAGNOSTICS = 12,
	FWNMI_ERRLOG_FORMAT_SERVICE_PROCESSOR = 13,
};

/* Section ids: two ASCII characters, the first in the high byte. */
#define FWNMI_SECTION_ID(a, b)	  ((uint16_t)(((a) << 8) | (b)))
#define FWNMI_SECTION_MAIN_A	  FWNMI_SECTION_ID('P', 'H')
#define FWNMI_SECTION_MAIN_B	  FWNMI_SECTION_ID('U', 'H')
#define FWNMI_SECTION_PRIMARY_SRC FWNMI_SECTION_ID('P', 'S')
#define FWNMI_SECTION_MC	  FWNMI_SECTION_ID('M', 'C')
#define FWNMI_SECTION_EXTENDED	  FWNMI_SECTION_ID('E', 'H')
#define FWNMI_SECTION_MTMS	  FWNMI_SECTION_ID('M', 'T')
#define FWNMI_SECTION_RESOURCE	  FWNMI_SECTION_ID('L', 'R')
#define FWNMI_SECTION_PARTITIONS  FWNMI_SECTION_ID('L', 'P')
#define FWNMI_SECTION_EPOW	  FWNMI_SECTION_ID('E', 'P')
#define FWNMI_SECTION_IO_EVENT	  FWNMI_SECTION_ID('I', 'E')
#define FWNMI_SECTION_HOT_PLUG	  FWNMI_SECTION_ID('H', 'P')
#define FWNMI_SECTION_DUMP	  FWNMI_SECTION_ID('D', 'H')

/* Most sections a decoded log lists. With more, sections would have to be smaller than a header. */
#define FWNMI_ERRLOG_MAX_SECTIONS 255

/*
 * Machine check error type, LoPAR section "MC" byte 0x10. Type 3 has no meaning in LoPAR; Linux
 * calls it unknown. A log that fwnmi_machine_check() builds for type 3 has no MC section.
 */
enum fwnmi_mc_type {
	FWNMI_MC_UE = 0x00,
	FWNMI_MC_SLB = 0x01,
	FWNMI_MC_ERAT = 0x02,
	FWNMI_MC_UNKNOWN = 0x03,
	FWNMI_MC_TLB = 0x04,
	FWNMI_MC_D_CACHE = 0x05,
	FWNMI_MC_I_CACHE = 0x07,
};

enum fwnmi_ue_subtype {
	FWNMI_UE_INDETERMINATE = 0,
	FWNMI_UE_IFETCH = 1,
	FWNMI_UE_PAGE_TABLE_WALK_IFETCH = 2,
	FWNMI_UE_LOAD_STORE = 3,
	FWNMI_UE_PAGE_TABLE_WALK_LOAD_STORE = 4,
};

enum fwnmi_slb_subtype {
	FWNMI_SLB_PARITY = 0,
	FWNMI_SLB_MULTIHIT = 1,
	FWNMI_SLB_INDETERMINATE = 2,
};

enum fwnmi_erat_subtype {
	FWNMI_ERAT_PARITY = 1,
	FWNMI_ERAT_MULTIHIT = 2,
	FWNMI_ERAT_INDETERMINATE = 3,
};

enum fwnmi_tlb_subtype {
	FWNMI_TLB_PARITY = 1,
	FWNMI_TLB_MULTIHIT = 2,
	FWNMI_TLB_INDETERMINATE = 3,
};

/* Every section starts with these (8 bytes with id and length). */
struct fwnmi_section_header {
	uint8_t version;
	uint8_t subtype;
	uint16_t creator_component;
};

/* Main-A, "PH", 48 bytes. Platform specific fields are written as zero and not decoded. */
struct fwnmi_main_a {
	struct fwnmi_section_header header;
	uint32_t date; /* BCD YYYYMMDD; 0 = not provided (allowed with an MC section) */
	uint32_t time; /* BCD HHMMSSss, ss hundredths of a second */
	char creator; /* 'E' service processor, 'H' hypervisor, 'W' power control, 'L' firmware */
	uint8_t section_count; /* includes this one; the encoder sets it itself */
	uint32_t platform_log_id;
};

/* Main-B, "UH", 24 bytes. */
struct fwnmi_main_b {
	struct fwnmi_section_header header;
	uint8_t subsystem; /* 0x10 processor, 0x20 memory, ... */
	uint8_t event_severity; /* 0x10 recovered, 0x21 predictive, degraded, 0x40 unrecoverable */
	uint8_t event_subtype;
	uint16_t action_flags;
};

/* Machine type, model and serial number, each NUL-terminated. */
struct fwnmi_mtms {
	char machine[9]; /* "tttt-mmm" */
	char serial[13];
};

/* A part that may have to be replaced together with the one called out. */
struct fwnmi_mru {
	char priority;
	uint32_t id;
};

/* Most call outs in an SRC, and most MRUs in a call out. */
#define FWNMI_MAX_CALLOUTS 10
#define FWNMI_MAX_MRUS	   15

/*
 * A FRU call out: what to replace, or what to do. Strings are NUL-terminated, and empty if the log
 * has none.
 */
struct fwnmi_callout {
	char priority; /* 'H', 'M', 'A', 'B', 'C' or 'L' */
	char location[81];
	bool has_identity, has_enclosure;
	uint8_t component; /* identity: what kind of thing failed, 1 hardware, 2 code, ... */
	char part_number[9]; /* or a procedure, never both */
	char procedure[9];
	char ccin[5];
	char serial[13];
	struct fwnmi_mtms enclosure; /* the power controlling enclosure, "PE" */
	char enclosure_name[33];
	unsigned nr_mrus;
	struct fwnmi_mru mrus[FWNMI_MAX_MRUS];
};

/*
 * Primary SRC, "PS", 80 bytes and FRU call outs. The encoder writes no call outs, and clears the
 * flag for them. The decoder stops at a call out that is malformed or cut short, and sets
 * callouts_damaged.
 */
struct fwnmi_primary_src {
	struct fwnmi_section_header header;
	uint8_t src_version;
	uint8_t src_flags;
	uint32_t words[8]; /* extended reference code words 2..9 */
	char reference_code[33]; /* up to 32 characters; the log pads them with blanks */
	bool callouts_damaged;
	unsigned nr_callouts;
	struct fwnmi_callout callouts[FWNMI_MAX_CALLOUTS];
};

/* Machine check interrupt section, "MC", 40 bytes. */
struct fwnmi_mc_section {
	struct fwnmi_section_header header;
	uint32_t fru_id;
	uint32_t processor_id;
	uint8_t error_type; /* enum fwnmi_mc_type */
	uint8_t error_subtype; /* enum fwnmi_{ue,slb,erat,tlb}_subtype; others: the byte */
	bool transient; /* UE: dcbz cannot clear it, the whole page is lost */
	bool effective_address_valid;
	bool logical_address_valid; /* UE only */
	uint64_t effective_address;
	uint64_t logical_address;
};

/* Extended header, "EH", 76 bytes and the symptom id. */
struct fwnmi_extended_section {
	struct fwnmi_section_header header;
	struct fwnmi_mtms mtms; /* the reporting machine */
	char firmware_version[17];
	char subsystem_version[17];
	uint32_t date, time; /* of the event referred to, as in Main-A */
	char symptom_id[256];
};

/* Failing enclosure, "MT", 28 bytes. */
struct fwnmi_mtms_section {
	struct fwnmi_section_header header;
	struct fwnmi_mtms mtms;
};

/* Logical resource identification, "LR", 20 bytes. */
struct fwnmi_resource_section {
	struct fwnmi_section_header header;
	uint8_t type; /* 0x10 processor, 0x11 shared processor, 0x40 page, 0x41 LMB */
	uint16_t capacity; /* shared processor: hundredths of a CPU */
	uint32_t id; /* processor: logical CPU id; LMB: DRC index */
	uint64_t address; /* page: logical address */
};

/* Impacted partitions, "LP", 16 bytes, a name and a list. */
struct fwnmi_partitions_section {
	struct fwnmi_section_header header;
	uint16_t primary;
	uint32_t id;
	char name[256];
	unsigned nr_targets;
	uint16_t targets[255];
};

/* EPOW, "EP", 20 bytes. */
struct fwnmi_epow_section {
	struct fwnmi_section_header header;
	uint8_t sensor_value; /* the low 4 bits are the action code */
	uint8_t modifier; /* the low 4 bits */
	uint8_t extended_modifier; /* section version 2: 0 the system, 1 the partition */
	uint64_t reason_code;
};

/* IO events, "IE", 16 bytes and data. */
struct fwnmi_io_event_section {
	struct fwnmi_section_header header;
	uint8_t type;
	uint8_t scope;
	uint8_t subtype;
	uint32_t drc_index;
	unsigned data_length;
	uint8_t data[216];
};

/* Hot plug, "HP", 12 bytes, an identifier and an optional token. */
struct fwnmi_hot_plug_section {
	struct fwnmi_section_header header;
	uint8_t type; /* 1 CPU, 2 memory, 3 slot, 4 PHB, 5 PCI */
	uint8_t action; /* 1 add, 2 remove */
	uint8_t identifier; /* 1 DRC name, 2 DRC index, 3 count, 4 count from a DRC index */
	uint8_t capabilities;
	char drc_name[81];
	uint32_t count;
	uint32_t drc_index;
	bool has_token;
	uint32_t token;
};

/* Dump locator, "DH", 64 bytes. */
struct fwnmi_dump_section {
	struct fwnmi_section_header header; /* subtype: the kind of dump */
	uint32_t id;
	uint8_t flags; /* 0x80 sent to the HMC, 0x40 the file name is a number, 0x20 size valid */
	uint64_t size; /* bytes */
	unsigned name_length;
	uint8_t name[40]; /* the dump's file name */
};

/*
 * Extended part of versions 3 to 5: 12 bytes, and 28 bytes of detail in log_format. After
 * conditions, only the fields of that format are set.
 */
struct fwnmi_old_extended {
	uint8_t origin; /* byte 3: 0x40 hot plug, 0x04 during boot, ... */
	uint32_t date, time; /* as in Main-A */
	bool has_detail;
	uint32_t conditions; /* one bit per fault; bit 0 of the detail is the highest bit */
	bool failing_address_valid; /* CPU, memory */
	uint64_t failing_address;
	uint8_t cpu; /* CPU: its physical number */
	uint16_t element; /* CPU, memory: which element sent the damaged data */
	bool reboot_may_help; /* CPU, from version 4 */
	uint8_t detecting_controller, faulty_controller; /* memory, from here */
	uint16_t ecc_syndrome;
	uint8_t card;
	uint32_t sub_elements;
	struct fwnmi_old_pci {
		uint8_t bus, devfn;
		uint16_t device_id, vendor_id;
		uint8_t revision, slot;
	} signalling, sending; /* IO: who reported the error, who was sending at the time */
	char device[13]; /* POST, from here */
	char error_code[5];
	char firmware_level[3];
	char post_location[9];
	uint32_t sensor_value; /* EPOW: the low 4 bits are the action code */
	uint32_t sensor_token, sensor_index; /* EPOW, service processor */
	uint32_t sensor_reading, sensor_status; /* EPOW */
	uint32_t diagnostics_id; /* diagnostics */
	char locations[256]; /* location codes separated by blanks, from IBM's part of the log */
};

/* Position of a section in the log it was decoded from. */
struct fwnmi_section {
	uint16_t id;
	uint16_t offset; /* from the start of the log to the section's header, in bytes */
	uint16_t length; /* in bytes, including the header */
};

/* A whole decoded log. has_* say which parts are present. */
struct fwnmi_errlog {
	uint8_t version; /* 3 to 6; 0 is written and shown as 6 */
	uint8_t severity; /* enum fwnmi_severity */
	uint8_t disposition; /* enum fwnmi_disposition */
	uint8_t initiator; /* enum fwnmi_initiator */
	uint8_t target; /* enum fwnmi_initiator */
	uint8_t type; /* enum fwnmi_event_type */

	/*
	 * has_extended: the optional part follows the fixed part. extended_length is the length of
	 * the optional part (the encoder computes it). Without an optional part it is the raw word,
	 * which is the change scope of a platform resource reassignment.
	 */
	bool has_extended;
	uint32_t extended_length;
	uint32_t missing; /* decoder: bytes of the log that the buffer does not have */

	/* Extended header. platform_event: format 14, company "IBM\0", so sections follow. */
	bool has_extended_header;
	bool platform_event;
	uint8_t flags; /* FWNMI_ERRLOG_VALID, ... */
	uint8_t log_format; /* 0..15 */
	char company[5]; /* 4 characters and a NUL */

	bool has_old_extended; /* versions 3 to 5 */
	struct fwnmi_old_extended old_extended;

	bool has_main_a, has_main_b, has_primary_src, has_mc;
	struct fwnmi_main_a main_a;
	struct fwnmi_main_b main_b;
	struct fwnmi_primary_src primary_src;
	struct fwnmi_mc_section mc;

	/* Sections that the encoder does not write. */
	bool has_extended_section, has_mtms, has_resource, has_partitions, has_epow, has_io_event;
	bool has_hot_plug, has_dump;
	struct fwnmi_extended_section extended_section;
	struct fwnmi_mtms_section mtms;
	struct fwnmi_resource_section resource;
	struct fwnmi_partitions_section partitions;
	struct fwnmi_epow_section epow;
	struct fwnmi_io_event_section io_event;
	struct fwnmi_hot_plug_section hot_plug;
	struct fwnmi_dump_section dump;

	/* Set by the decoder, ignored by the encoder: all sections in the order of the log. */
	unsigned nr_sections;
	struct fwnmi_section sections[FWNMI_ERRLOG_MAX_SECTIONS];
};

/**
 * fwnmi_errlog_encode() - write a log in its version 6 form
 * @log: what to write. If has_extended, the extended header is written (flags as given, format 14,
 *	company "IBM\0"), then those of Main-A, Main-B, primary SRC and MC whose has_* is set, in
 *	this order. company, log_format, extended_length, section_count and the section list are
 *	ignored, except that without has_extended the word extended_length is written as it is.
 * @buf: where to write; need not be aligned
 * @size: bytes at @buf; FWNMI_ERRLOG_MAX always suffices
 *
 * A log that does not fit is not shortened. LoPAR requires optional sections to be dropped whole,
 * and the caller has to choose which.
 *
 * returns: the log's length in bytes, 8 to 216, or
 *	FWNMI_ERR_INVALID if version is neither 0 nor 6, a field does not fit its bits, a section is
 *		requested without has_extended, severity is fatal and disposition fully recovered,
 *		the reference code has no NUL, or the MC section's subtype, transient flag or
 *		addresses do not exist for its type
 *	FWNMI_ERR_NOSPACE if @size is too small; @buf is untouched
 */
int fwnmi_errlog_encode(const struct fwnmi_errlog *log, void *buf, size_t size);

/**
 * fwnmi_errlog_decode() - decode a log
 * @log: filled in; what the log does not have is zero
 * @buf: the log; any bytes are safe
 * @size: bytes at @buf; bytes after the log are ignored
 *
 * In version 6, an extended part that is not a platform event log is accepted, but its sections are
 * not listed. In versions 3 to 5 the extended header is decoded, and the detail if its format is in
 * enum fwnmi_errlog_format. Reserved bits and bytes are ignored. If several sections have the same
 * id, all are listed but only the first is decoded. A section that the encoder does not write is
 * listed but not decoded if it is too short for its kind.
 *
 * returns: the log's length in bytes, or
 *	FWNMI_ERR_TRUNCATED if @size is less than 8 or than the length in the log
 *	FWNMI_ERR_BADVERSION if byte 0 is not 3 to 6
 *	FWNMI_ERR_BADSTRUCTURE if the extended part is shorter than its header (and not empty) or
 *		longer than 2040, or a section is shorter than its kind allows or reaches past the
 *		end
 * On error @log holds what could be decoded before it, for display only: version is 0 if that is
 * nothing. Of a log that is cut short this is all that is there, and missing is the rest's length.
 */
int fwnmi_errlog_decode(struct fwnmi_errlog *log, const void *buf, size_t size);

/**
 * fwnmi_errlog_fit() - shorten a log to fit a buffer
 * @log: the log
 * @length: bytes at @log; bytes after the log are ignored
 * @buf: where to write; must not overlap @log
 * @size: bytes at @buf
 *
 * A log that is too long loses whole optional sections, last ones first; a shorter one that still
 * fits is kept. If the sections required for its type do not fit either, it loses the extended
 * part. If even the length word does not fit, only the first four bytes are written.
 *
 * returns: bytes written, at least 4, or
 *	FWNMI_ERR_NOSPACE if @size is less than 4; @buf is untouched
 *	FWNMI_ERR_BADVERSION if the log is not of version 6
 *	FWNMI_ERR_TRUNCATED, FWNMI_ERR_BADSTRUCTURE as for fwnmi_errlog_decode()
 */
int fwnmi_errlog_fit(const void *log, size_t length, void *buf, size_t size);

/**
 * fwnmi_errlog_print() - print a log as text for people
 * @log: a decoded log
 * @buf: where to write; always NUL-terminated if @size > 0
 * @size: bytes at @buf
 *
 * Only line feeds and printable ASCII are written, whatever the log holds.
 *
 * returns: length of the whole text without the NUL; the text was cut if this is @size or more; or
 *	FWNMI_ERR_INVALID if a pointer is NULL
 */
int fwnmi_errlog_print(const struct fwnmi_errlog *log, char *buf, size_t size);

/* How to read the value of a struct fwnmi_errlog_field. */
enum fwnmi_field_kind {
	FWNMI_FIELD_NUMBER, /* value, in unit if not NULL */
	FWNMI_FIELD_NAME, /* value; name is its name, or NULL if it has none */
	FWNMI_FIELD_HEX, /* value, with this many digits */
	FWNMI_FIELD_BOOL, /* value, 0 or 1 */
	FWNMI_FIELD_FLAGS, /* value, with this many digits; flags names its bits */
	FWNMI_FIELD_TIME, /* value: BCD, date in the high half, time in the low half */
	FWNMI_FIELD_TEXT, /* length characters at data: any bytes, no NUL at the end */
	FWNMI_FIELD_BYTES, /* length bytes at data */
	FWNMI_FIELD_WORDS, /* length hexadecimal numbers of 8 digits, uint32_t at data */
	FWNMI_FIELD_NUMBERS, /* length numbers, uint16_t at data */
};

/* Name of one or more bits in a field of flags. */
struct fwnmi_flag_name {
	uint32_t mask;
	const char *name;
};

/* A field of a log, for display. */
struct fwnmi_errlog_field {
	const char *key; /* for machines: lower case and underscores */
	const char *label; /* for people */
	enum fwnmi_field_kind kind;
	uint64_t value;
	bool absent; /* the log does not have it */
	bool detail; /* repeats an earlier field in another form; not for text */
	unsigned digits;
	const char *name; /* what the value means, or NULL */
	const char *unit;
	const void *data;
	size_t length;
	const struct fwnmi_flag_name *flags;
	size_t nr_flags;
};

/**
 * struct fwnmi_errlog_visitor - callbacks that receive the fields of a log
 * @open: a group of fields begins, inside the open group if there is one
 * @close: the innermost group ends
 * @field: a field of the innermost group, or of the log itself if no group is open
 *
 * @title is for people, @key for machines. @number counts groups of the same key and kind from 1,
 * or is 0. Pointers are valid during the call only.
 */
struct fwnmi_errlog_visitor {
	void (*open)(void *opaque, const char *key, const char *title, unsigned number);
	void (*close)(void *opaque);
	void (*field)(void *opaque, const struct fwnmi_errlog_field *field);
};

/**
 * fwnmi_errlog_visit() - report a log field by field
 * @log: a decoded log
 * @visitor: callbacks, called in the order in which fwnmi_errlog_print() prints
 * @opaque: passed to the callbacks; may be NULL
 *
 * Groups are at most three deep.
 */
void fwnmi_errlog_visit(const struct fwnmi_errlog *log, const struct fwnmi_errlog_visitor *visitor,
			void *opaque);

/**
 * fwnmi_severity_name() ... fwnmi_mc_subtype_name() - the name of a number in a log
 * @severity, @disposition, @initiator, @type, @subtype: the number; any is allowed
 *
 * severity: no-error event warning error-sync error fatal already-reported
 * disposition: fully-recovered limited-recovery not-recovered
 * initiator and target: unknown CPU PCI ISA memory power-management hot-plug
 * machine check type: UE SLB ERAT unknown TLB D-cache I-cache
 * subtype of UE: indeterminate ifetch page-table-walk-ifetch load-store page-table-walk-load-store
 * subtype of SLB, ERAT and TLB: parity multihit indeterminate
 *
 * returns: the name, or NULL if the number has none
 */
const char *fwnmi_severity_name(unsigned severity);
const char *fwnmi_disposition_name(unsigned disposition);
const char *fwnmi_initiator_name(unsigned initiator);
const char *fwnmi_event_type_name(unsigned type);
const char *fwnmi_mc_type_name(unsigned type);
const char *fwnmi_mc_subtype_name(unsigned type, unsigned subtype);

/**
 * fwnmi_severity_parse() ... fwnmi_mc_subtype_parse() - the number of a name
 * @name: one of the names above. Case, blanks, '-', '_' and '/' are ignored, so "dcache",
 *	"load/store" and "ERROR_SYNC" match too
 * @type: for a subtype, its machine check type
 *
 * returns: the number, or FWNMI_ERR_BADNAME if there is no such name
 */
int fwnmi_severity_parse(const char *name);
int fwnmi_disposition_parse(const char *name);
int fwnmi_initiator_parse(const char *name);
int fwnmi_event_type_parse(const char *name);
int fwnmi_mc_type_parse(const char *name);
int fwnmi_mc_subtype_parse(unsigned type, const char *name);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
