/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RTAS event logs, version 6: build, take apart, print, and name their fields.
 * No delivery here (see fwnmi.h). Follows LoPAR chapter "RTAS Error/Event Return Format";
 * a log is big-endian whatever the endianness of the guest that reads it.
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
 * Every function of libfwnmi that can fail returns one of these small negatives.
 * fwnmi_strerror() gives the sentence.
 */
enum fwnmi_error {
	FWNMI_ERR_INVALID = -1, /* a value is outside its range or contradicts another */
	FWNMI_ERR_NOSPACE = -2, /* the caller's buffer, or the RTAS area, is too small */
	FWNMI_ERR_TRUNCATED = -3, /* the log or record ends before the length it states */
	FWNMI_ERR_BADVERSION = -4, /* the log is not of version 6 */
	FWNMI_ERR_BADSTRUCTURE = -5, /* a length in the log contradicts its surroundings */
	FWNMI_ERR_BADNAME = -6, /* no such name for this field */
	FWNMI_ERR_CPU = -7, /* no such vCPU */
	FWNMI_ERR_PARAMETER = -8, /* RTAS parameter error: a routine that cannot be called */
	FWNMI_ERR_MEMORY = -9, /* the host could not read or write guest memory */
	FWNMI_ERR_REGISTERS = -10, /* the host could not read or write vCPU registers */
	FWNMI_ERR_BUSY = -11, /* this vCPU already waits for the delivery of a machine check */
	FWNMI_ERR_NO_EVENT = -12, /* strict only: interlock without an event of this vCPU */
	FWNMI_ERR_NO_CAUSE = -13, /* this processor has no cause bits for such an error */
	FWNMI_ERR_BADRECORD = -14, /* no state record, or a damaged one */
	FWNMI_ERR_FUTURE = -15, /* a state record of a version that this library does not know */
	FWNMI_ERR_MISMATCH = -16, /* a state record of a partition of another make */
};

/**
 * fwnmi_strerror() - describe an error code
 * @error: a negative enum fwnmi_error; other values are allowed
 *
 * returns: one short English sentence without a full stop, never NULL
 */
const char *fwnmi_strerror(int error);

/* The most bytes a log may have: LoPAR's 2 KiB bound, what "rtas-error-log-max" must state. */
#define FWNMI_ERRLOG_MAX	2048
/* The fixed part, with the extended length word. */
#define FWNMI_ERRLOG_FIXED_SIZE 8

/* LoPAR table "RTAS Event Return Format (Fixed Part)", bits 0:7 */
#define FWNMI_ERRLOG_VERSION 6

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

/* Section ids: two ASCII characters, the first in the high byte. */
#define FWNMI_SECTION_ID(a, b)	  ((uint16_t)(((a) << 8) | (b)))
#define FWNMI_SECTION_MAIN_A	  FWNMI_SECTION_ID('P', 'H')
#define FWNMI_SECTION_MAIN_B	  FWNMI_SECTION_ID('U', 'H')
#define FWNMI_SECTION_PRIMARY_SRC FWNMI_SECTION_ID('P', 'S')
#define FWNMI_SECTION_MC	  FWNMI_SECTION_ID('M', 'C')

/* The most sections a decoded log lists: a log this full has no section larger than its header. */
#define FWNMI_ERRLOG_MAX_SECTIONS 255

/*
 * Machine check error type, LoPAR section "MC" byte 0x10. LoPAR gives 3 no meaning; Linux calls it
 * unknown. A log built by fwnmi_machine_check() for it has no MC section.
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

/* Every section opens with these (8 bytes with id and length). */
struct fwnmi_section_header {
	uint8_t version;
	uint8_t subtype;
	uint16_t creator_component;
};

/* Main-A, "PH", 48 bytes. Platform specific fields are written as zero and not read. */
struct fwnmi_main_a {
	struct fwnmi_section_header header;
	uint32_t date; /* BCD YYYYMMDD; 0 = not provided (allowed with an MC section) */
	uint32_t time; /* BCD HHMMSSss, ss hundredths of a second */
	char creator; /* 'E' service processor, 'H' hypervisor, 'W' power control, 'L' firmware */
	uint8_t section_count; /* with this one; the encoder counts for itself */
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

/* Primary SRC, "PS", 80 bytes; FRU call outs that follow are left in the section list. */
struct fwnmi_primary_src {
	struct fwnmi_section_header header;
	uint8_t src_version;
	uint8_t src_flags;
	uint32_t words[8]; /* extended reference code words 2..9 */
	char reference_code[33]; /* up to 32 characters; the log pads them with blanks */
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

/* Where a section stands in the log it was decoded from. */
struct fwnmi_section {
	uint16_t id;
	uint16_t offset; /* bytes from the start of the log, to the section's header */
	uint16_t length; /* bytes, header included */
};

/* A whole log, decoded. has_* say which of the parts are there. */
struct fwnmi_errlog {
	uint8_t severity; /* enum fwnmi_severity */
	uint8_t disposition; /* enum fwnmi_disposition */
	uint8_t initiator; /* enum fwnmi_initiator */
	uint8_t target; /* enum fwnmi_initiator */
	uint8_t type; /* enum fwnmi_event_type */

	/*
	 * has_extended: the optional part follows the fixed part. extended_length is its length
	 * (the encoder computes it); without an optional part it is the word as it stands, which is
	 * the change scope of a platform resource reassignment.
	 */
	bool has_extended;
	uint32_t extended_length;

	/* Extended header. platform_event: format 14, company "IBM\0", so sections follow. */
	bool has_extended_header;
	bool platform_event;
	uint8_t flags; /* FWNMI_ERRLOG_VALID, ... */
	uint8_t log_format; /* 0..15 */
	char company[5]; /* 4 characters and a NUL */

	bool has_main_a, has_main_b, has_primary_src, has_mc;
	struct fwnmi_main_a main_a;
	struct fwnmi_main_b main_b;
	struct fwnmi_primary_src primary_src;
	struct fwnmi_mc_section mc;

	/* Set by the decoder, not read by the encoder: every section, in the log's order. */
	unsigned nr_sections;
	struct fwnmi_section sections[FWNMI_ERRLOG_MAX_SECTIONS];
};

/**
 * fwnmi_errlog_encode() - write a log in its version 6 form
 * @log: what to write. If has_extended, the extended header is written (flags as given, format 14,
 *	company "IBM\0") and after it those of Main-A, Main-B, primary SRC and MC whose has_* is
 *	set, in this order. company, log_format, extended_length, section_count and the section list
 *	are not read, except that without has_extended the word extended_length is written as it is.
 * @buf: where to; need not be aligned
 * @size: bytes at @buf; FWNMI_ERRLOG_MAX always suffices
 *
 * A log that does not fit is not shortened: LoPAR wants optional sections dropped whole, which is
 * the caller's choice to make.
 *
 * returns: the log's length in bytes, 8 to 216, or
 *	FWNMI_ERR_INVALID if a field exceeds its bits, a section is asked for without has_extended,
 *		severity is fatal and disposition fully recovered, the reference code has no NUL, or
 *		the MC section's subtype, transient flag or addresses do not exist for its type
 *	FWNMI_ERR_NOSPACE if @size is too small; @buf is untouched
 */
int fwnmi_errlog_encode(const struct fwnmi_errlog *log, void *buf, size_t size);

/**
 * fwnmi_errlog_decode() - take a log apart
 * @log: filled in; all zero where the log has nothing
 * @buf: the log; any bytes are safe
 * @size: bytes at @buf; what follows the log is ignored
 *
 * An extended part of another format than a platform event log is accepted; its sections are not
 * listed. Reserved bits and bytes are ignored. Of sections with the same id the first is decoded,
 * all are listed.
 *
 * returns: the log's length in bytes, or
 *	FWNMI_ERR_TRUNCATED if @size is less than 8 or than the length the log states
 *	FWNMI_ERR_BADVERSION if byte 0 is not 6
 *	FWNMI_ERR_BADSTRUCTURE if the extended part is shorter than its header (and not empty) or
 *		longer than 2040, or a section is shorter than its kind allows or reaches past the
 *		end
 * On error @log holds what could be decoded before it, for display only.
 */
int fwnmi_errlog_decode(struct fwnmi_errlog *log, const void *buf, size_t size);

/**
 * fwnmi_errlog_fit() - make a log fit a buffer that may be too small for it
 * @log: the log
 * @length: bytes at @log; what follows the log is ignored
 * @buf: where to; must not overlap @log
 * @size: bytes at @buf
 *
 * A log that is too long loses optional sections, whole ones, the last ones first unless a shorter
 * one still fits; if the sections that its type must have do not fit either, it loses the extended
 * part; if there is no room even for the length word, only the first four bytes are written.
 *
 * returns: bytes written, at least 4, or
 *	FWNMI_ERR_NOSPACE if @size is less than 4; @buf is untouched
 *	FWNMI_ERR_TRUNCATED, FWNMI_ERR_BADVERSION, FWNMI_ERR_BADSTRUCTURE as fwnmi_errlog_decode()
 */
int fwnmi_errlog_fit(const void *log, size_t length, void *buf, size_t size);

/**
 * fwnmi_errlog_print() - a log as text for people
 * @log: a decoded log
 * @buf: where to; always NUL-terminated if @size > 0
 * @size: bytes at @buf
 *
 * returns: characters the whole text has without the NUL; if that is @size or more, the text was
 * cut
 */
int fwnmi_errlog_print(const struct fwnmi_errlog *log, char *buf, size_t size);

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
 * @name: one of the names above; case, blanks, '-', '_' and '/' do not count, so that "dcache",
 *	"load/store" and "ERROR_SYNC" do too
 * @type: for a subtype, the machine check type it is of
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
