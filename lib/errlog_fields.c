/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists what a decoded RTAS event log says, field by field, with the meaning of its codes. The text
 * for people (errlog_print.c) and other forms share this list. Codes are from LoPAR chapter "RTAS
 * Error/Event Return Format". The chapter leaves some subsystems and creators to the platform;
 * those have the meaning that IBM's service tools give them.
 */
#include <string.h>

#include "errlog_fields.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* ---- codes ---- */

struct code {
	unsigned code;
	const char *name;
};

#define NAME_OF(table, code) name_of(table, ARRAY_SIZE(table), code)

static const char *name_of(const struct code *table, size_t count, unsigned code)
{
	for (size_t i = 0; i < count; i++)
		if (table[i].code == code)
			return table[i].name;
	return NULL;
}

static const struct code sections[] = {
	{ FWNMI_SECTION_MAIN_A, "Main-A" },
	{ FWNMI_SECTION_MAIN_B, "Main-B" },
	{ FWNMI_SECTION_PRIMARY_SRC, "primary SRC" },
	{ FWNMI_SECTION_ID('S', 'S'), "secondary SRC" },
	{ FWNMI_SECTION_MC, "machine check" },
	{ FWNMI_SECTION_EXTENDED, "extended header" },
	{ FWNMI_SECTION_MTMS, "failing enclosure" },
	{ FWNMI_SECTION_RESOURCE, "logical resource" },
	{ FWNMI_SECTION_PARTITIONS, "impacted partitions" },
	{ FWNMI_SECTION_EPOW, "EPOW" },
	{ FWNMI_SECTION_IO_EVENT, "I/O event" },
	{ FWNMI_SECTION_HOT_PLUG, "hot plug" },
	{ FWNMI_SECTION_DUMP, "dump locator" },
	{ FWNMI_SECTION_ID('H', 'M'), "HMC" },
	{ FWNMI_SECTION_ID('S', 'W'), "firmware error" },
	{ FWNMI_SECTION_ID('U', 'D'), "user data" },
	{ FWNMI_SECTION_ID('E', 'D'), "extended user data" },
	{ FWNMI_SECTION_ID('M', 'I'), "manufacturing" },
	{ FWNMI_SECTION_ID('C', 'H'), "call home" },
};

const char *fwnmi_section_name(unsigned id)
{
	return NAME_OF(sections, id);
}

static const struct code creators[] = {
	{ 'B', "host boot" },
	{ 'C', "hypervisor" },
	{ 'E', "service processor" },
	{ 'H', "hypervisor" },
	{ 'K', "OPAL" },
	{ 'L', "partition firmware" },
	{ 'M', "I/O drawer" },
	{ 'P', "operating system" },
	{ 'S', "SLIC" },
	{ 'T', "on-chip controller" },
	{ 'W', "power control" },
};

/* A code that is a multiple of 16 also names the whole range after it. */
static const struct code subsystems[] = {
	{ 0x10, "processor" },
	{ 0x11, "processor FRU" },
	{ 0x12, "processor chip with cache" },
	{ 0x13, "processor core" },
	{ 0x14, "processor bus controller" },
	{ 0x20, "memory" },
	{ 0x21, "memory controller" },
	{ 0x22, "memory bus" },
	{ 0x23, "memory DIMM" },
	{ 0x24, "memory card" },
	{ 0x25, "external cache" },
	{ 0x30, "I/O" },
	{ 0x31, "I/O hub" },
	{ 0x32, "I/O bridge" },
	{ 0x33, "I/O bus" },
	{ 0x34, "I/O processor" },
	{ 0x36, "I/O loop and hub" },
	{ 0x37, "I/O loop and bridge" },
	{ 0x38, "PHB" },
	{ 0x3a, "I/O slot" },
	{ 0x40, "I/O adapter or device" },
	{ 0x41, "communication adapter" },
	{ 0x46, "I/O device" },
	{ 0x47, "disk" },
	{ 0x50, "CEC hardware" },
	{ 0x51, "service processor A" },
	{ 0x52, "service processor B" },
	{ 0x53, "node controller" },
	{ 0x55, "VPD device" },
	{ 0x56, "I2C device" },
	{ 0x57, "chip interface" },
	{ 0x58, "clock" },
	{ 0x59, "operator panel" },
	{ 0x5a, "time of day clock and battery" },
	{ 0x5b, "storage of the service processor" },
	{ 0x5c, "service processor interface" },
	{ 0x5d, "service network" },
	{ 0x60, "power or cooling" },
	{ 0x61, "power supply" },
	{ 0x62, "power control" },
	{ 0x63, "fan" },
	{ 0x70, "other" },
	{ 0x71, "hypervisor hardware" },
	{ 0x72, "test tool" },
	{ 0x73, "removable media" },
	{ 0x74, "several subsystems" },
	{ 0x75, "unknown" },
	{ 0x80, "platform firmware" },
	{ 0x81, "service processor firmware" },
	{ 0x82, "hypervisor firmware" },
	{ 0x83, "partition firmware" },
	{ 0x85, "power network firmware" },
	{ 0x8a, "host boot firmware" },
	{ 0x8b, "on-chip controller firmware" },
	{ 0x90, "software" },
	{ 0x91, "operating system" },
	{ 0x93, "application" },
	{ 0xa0, "environment" },
	{ 0xa1, "input power" },
	{ 0xa2, "room temperature" },
	{ 0xa3, "user error" },
};

static const char *subsystem_name(unsigned subsystem)
{
	const char *name = NAME_OF(subsystems, subsystem);

	if (name)
		return name;
	return subsystem >= 0x7a && subsystem <= 0x7f ? "surveillance" :
							NAME_OF(subsystems, subsystem & 0xf0);
}

static const struct code event_severities[] = {
	{ 0x00, "informational" },
	{ 0x10, "recovered" },
	{ 0x14, "recovered, spare capacity used" },
	{ 0x15, "recovered, entitled capacity lost" },
	{ 0x20, "predictive" },
	{ 0x21, "predictive, performance degraded" },
	{ 0x22, "predictive, a reboot may correct it" },
	{ 0x23, "predictive, a reboot may correct it, performance degraded" },
	{ 0x24, "predictive, redundancy lost" },
	{ 0x40, "unrecoverable" },
	{ 0x41, "unrecoverable, bypassed, performance degraded" },
	{ 0x44, "unrecoverable, bypassed, redundancy lost" },
	{ 0x45, "unrecoverable, bypassed, redundancy lost, performance degraded" },
	{ 0x48, "unrecoverable, bypassed, function lost" },
	{ 0x50, "critical" },
	{ 0x60, "error in a diagnostic test" },
	{ 0x61, "error in a diagnostic test, results may be wrong" },
	{ 0x70, "symptom" },
};

static const char *event_severity_name(unsigned severity)
{
	const char *name = NAME_OF(event_severities, severity);

	return name || severity < 0x10 ? name : NAME_OF(event_severities, severity & 0xf0);
}

static const struct code event_subtypes[] = {
	{ 0x00, "not applicable" },
	{ 0x01, "information only" },
	{ 0x08, "dump notification" },
	{ 0x10, "reported before, corrected by the system" },
	{ 0x20, "resources deconfigured by the user" },
	{ 0x21, "resources deconfigured after an earlier error" },
	{ 0x22, "resource to be deallocated" },
	{ 0x30, "environment back to normal" },
	{ 0x40, "concurrent maintenance" },
	{ 0x60, "capacity upgrade" },
	{ 0x70, "resource sparing" },
	{ 0x80, "dynamic reconfiguration" },
	{ 0xd0, "normal shutdown" },
	{ 0xe0, "powered off without shutdown" },
};

static const struct code priorities[] = {
	{ 'H', "high" },
	{ 'M', "medium" },
	{ 'A', "medium, group A" },
	{ 'B', "medium, group B" },
	{ 'C', "medium, group C" },
	{ 'L', "low" },
};

static const struct code components[] = {
	{ 1, "hardware" },
	{ 2, "code" },
	{ 3, "configuration" },
	{ 4, "maintenance procedure" },
	{ 9, "external hardware" },
	{ 10, "external code" },
	{ 11, "tool" },
	{ 12, "symbolic" },
	{ 14, "symbolic, location is certain" },
};

static const struct code resource_types[] = {
	{ 0x10, "processor" },
	{ 0x11, "shared processor" },
	{ 0x40, "memory page" },
	{ 0x41, "memory LMB" },
};

static const struct code epow_actions[] = {
	{ 0, "reset" }, { 1, "warn, cooling" },	 { 2, "warn, power" }, { 3, "shut down" },
	{ 4, "halt" },	{ 5, "main enclosure" }, { 7, "power off" },
};

static const struct code epow_modifiers[] = {
	{ 0, "not applicable" },
	{ 1, "normal shutdown" },
	{ 2, "utility power lost, on battery" },
	{ 3, "critical functions lost" },
	{ 4, "ambient temperature too high" },
};

static const struct code io_types[] = {
	{ 1, "error detected" },
	{ 2, "error recovered" },
	{ 3, "event" },
	{ 4, "RPC pass through" },
};

static const struct code io_scopes[] = {
	{ 0x00, "not applicable" },    { 0x36, "RIO hub" },
	{ 0x37, "RIO bridge" },	       { 0x38, "PHB" },
	{ 0x39, "EADS global" },       { 0x3a, "EADS slot" },
	{ 0x51, "service processor" },
};

static const struct code io_subtypes[] = {
	{ 0, "not applicable" },
	{ 1, "rebalance request" },
	{ 3, "node online" },
	{ 4, "node offline" },
	{ 5, "platform-dump-max-size changed" },
	{ 8, "generic notification" },
	{ 9, "NVDIMM protection enabled" },
	{ 10, "NVDIMM protection disabled" },
};

static const struct code hot_plug_types[] = {
	{ 1, "CPU" }, { 2, "memory" }, { 3, "slot" }, { 4, "PHB" }, { 5, "PCI" },
};

static const struct code hot_plug_actions[] = {
	{ 1, "add" },
	{ 2, "remove" },
};

enum {
	BY_DRC_NAME = 1,
	BY_DRC_INDEX = 2,
	BY_COUNT = 3,
	BY_COUNT_FROM_INDEX = 4,
};

static const struct code hot_plug_identifiers[] = {
	{ BY_DRC_NAME, "DRC name" },
	{ BY_DRC_INDEX, "DRC index" },
	{ BY_COUNT, "count" },
	{ BY_COUNT_FROM_INDEX, "count from a DRC index" },
};

static const struct code dump_kinds[] = {
	{ 0, "log truncated" },
	{ 1, "service processor dump" },
	{ 2, "platform dump" },
	{ 3, "shared memory adapter dump" },
	{ 4, "power subsystem dump" },
	{ 5, "log entry dump" },
	{ 6, "resource dump by the partition" },
	{ 7, "resource dump by the platform" },
};

static const struct code old_formats[] = {
	{ FWNMI_ERRLOG_FORMAT_CPU, "CPU" },
	{ FWNMI_ERRLOG_FORMAT_MEMORY, "memory" },
	{ FWNMI_ERRLOG_FORMAT_IO, "I/O" },
	{ FWNMI_ERRLOG_FORMAT_POST, "POST" },
	{ FWNMI_ERRLOG_FORMAT_EPOW, "EPOW" },
	{ FWNMI_ERRLOG_FORMAT_DIAGNOSTICS, "diagnostics" },
	{ FWNMI_ERRLOG_FORMAT_SERVICE_PROCESSOR, "service processor" },
	{ 14, "vendor specific" },
	{ 15, "vendor specific" },
};

/* ---- flags ---- */

static const struct fwnmi_flag_name extended_flags[] = {
	{ FWNMI_ERRLOG_VALID, "valid" },
	{ FWNMI_ERRLOG_UNRECOVERABLE, "unrecoverable" },
	{ FWNMI_ERRLOG_RECOVERABLE, "recoverable" },
	{ FWNMI_ERRLOG_DEGRADED, "degraded" },
	{ FWNMI_ERRLOG_PREDICTIVE, "predictive" },
	{ FWNMI_ERRLOG_NEW, "new" },
	{ FWNMI_ERRLOG_BIG_ENDIAN, "big-endian" },
};

static const struct fwnmi_flag_name action_flags[] = {
	{ 0x8000, "service-action-required" },
	{ 0x4000, "hidden" },
	{ 0x2000, "report-externally" },
	{ 0x1000, "HMC-only" },
	{ 0x0800, "call-home" },
	{ 0x0400, "isolation-incomplete" },
};

static const struct fwnmi_flag_name hot_plug_flags[] = {
	{ 0x80, "token" },
	{ 0x40, "non-transactional" },
};

static const struct fwnmi_flag_name dump_flags[] = {
	{ 0x80, "sent-to-HMC" },
	{ 0x40, "hexadecimal-name" },
	{ 0x20, "size-valid" },
};

static const struct fwnmi_flag_name origin_flags[] = {
	{ 0x80, "not-hardware" }, { 0x40, "hot-plug" },	   { 0x20, "group-failure" },
	{ 0x08, "residual" },	  { 0x04, "during-boot" }, { 0x02, "configuration-changed" },
	{ 0x01, "POST" },
};

static const struct fwnmi_flag_name cpu_conditions[] = {
	{ 0x80u << 24, "internal" },
	{ 0x40u << 24, "internal-cache" },
	{ 0x20u << 24, "external-cache-parity" },
	{ 0x10u << 24, "external-cache-ECC" },
	{ 0x08u << 24, "system-bus-timeout" },
	{ 0x04u << 24, "I/O-timeout" },
	{ 0x02u << 24, "system-bus-parity" },
	{ 0x01u << 24, "system-bus-protocol" },
};

static const struct fwnmi_flag_name memory_conditions[] = {
	{ 0x8000u << 16, "uncorrectable" },
	{ 0x4000u << 16, "ECC-correctable" },
	{ 0x2000u << 16, "threshold-exceeded" },
	{ 0x1000u << 16, "controller-internal" },
	{ 0x0800u << 16, "address" },
	{ 0x0400u << 16, "data" },
	{ 0x0200u << 16, "bus" },
	{ 0x0100u << 16, "timeout" },
	{ 0x0080u << 16, "system-bus-parity" },
	{ 0x0040u << 16, "system-bus-timeout" },
	{ 0x0020u << 16, "system-bus-protocol" },
	{ 0x0010u << 16, "host-bridge-timeout" },
	{ 0x0008u << 16, "host-bridge-parity" },
	{ 0x0002u << 16, "system-support" },
	{ 0x0001u << 16, "system-bus-internal" },
};

static const struct fwnmi_flag_name io_conditions[] = {
	{ 0x8000u << 16, "bus-address-parity" },
	{ 0x4000u << 16, "bus-data-parity" },
	{ 0x2000u << 16, "bus-timeout" },
	{ 0x1000u << 16, "bridge-internal" },
	{ 0x0800u << 16, "signalled-by-non-PCI-bridge" },
	{ 0x0400u << 16, "mezzanine-address-parity" },
	{ 0x0200u << 16, "mezzanine-data-parity" },
	{ 0x0100u << 16, "mezzanine-timeout" },
	{ 0x0080u << 16, "bridge-on-system-bus" },
	{ 0x0040u << 16, "bridge-on-mezzanine-bus" },
	{ 0x0020u << 16, "bridge-on-expansion-bus" },
	{ 0x0010u << 16, "detected-by-expansion-bus" },
	{ 0x0008u << 16, "expansion-bus-data" },
	{ 0x0004u << 16, "expansion-bus-timeout" },
	{ 0x0002u << 16, "expansion-bus-connection" },
	{ 0x0001u << 16, "expansion-unit-not-operating" },
};

static const struct fwnmi_flag_name post_conditions[] = {
	{ 0x8000u << 16, "firmware" },
	{ 0x4000u << 16, "configuration" },
	{ 0x2000u << 16, "CPU" },
	{ 0x1000u << 16, "memory" },
	{ 0x0800u << 16, "I/O" },
	{ 0x0400u << 16, "keyboard" },
	{ 0x0200u << 16, "mouse" },
	{ 0x0100u << 16, "display" },
	{ 0x0080u << 16, "boot-diskette" },
	{ 0x0040u << 16, "boot-controller" },
	{ 0x0020u << 16, "boot-CD-ROM" },
	{ 0x0010u << 16, "boot-disk" },
	{ 0x0008u << 16, "boot-network" },
	{ 0x0004u << 16, "boot-other" },
	{ 0x0001u << 16, "firmware-self-test" },
};

static const struct fwnmi_flag_name epow_conditions[] = {
	{ 0x8000u << 16, "by-sensor" },
	{ 0x4000u << 16, "power-fault" },
	{ 0x2000u << 16, "fan" },
	{ 0x1000u << 16, "over-temperature" },
	{ 0x0800u << 16, "redundancy-lost" },
	{ 0x0400u << 16, "entitlement-exceeded" },
	{ 0x0080u << 16, "general" },
	{ 0x0040u << 16, "power-source" },
	{ 0x0020u << 16, "power-supply" },
	{ 0x0010u << 16, "power-switch" },
	{ 0x0008u << 16, "battery" },
};

static const struct fwnmi_flag_name service_processor_conditions[] = {
	{ 0x80u << 24, "timeout" },	      { 0x40u << 24, "I2C-bus" },
	{ 0x20u << 24, "secondary-I2C-bus" }, { 0x10u << 24, "memory" },
	{ 0x08u << 24, "registers" },	      { 0x04u << 24, "communication" },
	{ 0x02u << 24, "firmware" },	      { 0x01u << 24, "hardware" },
	{ 0x80u << 16, "VPD-EEPROM" },	      { 0x40u << 16, "operator-panel" },
	{ 0x20u << 16, "power-controller" },  { 0x10u << 16, "fan-sensor" },
	{ 0x08u << 16, "thermal-sensor" },    { 0x04u << 16, "voltage-sensor" },
	{ 0x80u << 8, "serial-port" },	      { 0x40u << 8, "NVRAM" },
	{ 0x20u << 8, "real-time-clock" },    { 0x10u << 8, "JTAG" },
	{ 0x08u << 8, "clock-battery" },      { 0x02u << 8, "heartbeat" },
	{ 0x01u << 8, "surveillance" },	      { 0x80u, "power-network-connection" },
	{ 0x40u, "power-network-node" },      { 0x08u, "power-network-access" },
};

/* ---- one field ---- */

struct walk {
	const struct fwnmi_errlog_visitor *visitor;
	void *opaque;
};

static void open_group(struct walk *w, const char *key, const char *title, unsigned number)
{
	w->visitor->open(w->opaque, key, title, number);
}

static void close_group(struct walk *w)
{
	w->visitor->close(w->opaque);
}

static void field(struct walk *w, const struct fwnmi_errlog_field field)
{
	w->visitor->field(w->opaque, &field);
}

#define FIELD(...) field(w, (const struct fwnmi_errlog_field){ __VA_ARGS__ })

static void number(struct walk *w, const char *key, const char *label, uint64_t value,
		   const char *name)
{
	FIELD(.key = key, .label = label, .kind = FWNMI_FIELD_NUMBER, .value = value, .name = name);
}

static void measure(struct walk *w, const char *key, const char *label, uint64_t value,
		    const char *unit)
{
	FIELD(.key = key, .label = label, .kind = FWNMI_FIELD_NUMBER, .value = value, .unit = unit);
}

static void name(struct walk *w, const char *key, const char *label, unsigned value,
		 const char *name)
{
	FIELD(.key = key, .label = label, .kind = FWNMI_FIELD_NAME, .value = value, .name = name);
}

static void hex(struct walk *w, const char *key, const char *label, unsigned digits, uint64_t value,
		const char *name)
{
	FIELD(.key = key, .label = label, .kind = FWNMI_FIELD_HEX, .digits = digits, .value = value,
	      .name = name);
}

static void address(struct walk *w, const char *key, const char *label, bool valid,
		    uint64_t address)
{
	FIELD(.key = key, .label = label, .kind = FWNMI_FIELD_HEX, .digits = 16, .value = address,
	      .absent = !valid);
}

static void yes_or_no(struct walk *w, const char *key, const char *label, bool value)
{
	FIELD(.key = key, .label = label, .kind = FWNMI_FIELD_BOOL, .value = value);
}

/* A string, unless it is empty. */
static void text(struct walk *w, const char *key, const char *label, const char *s)
{
	if (*s)
		FIELD(.key = key, .label = label, .kind = FWNMI_FIELD_TEXT, .data = s,
		      .length = strlen(s));
}

static void character(struct walk *w, const char *key, const char *label, char c, const char *name)
{
	FIELD(.key = key, .label = label, .kind = FWNMI_FIELD_TEXT, .data = &c, .length = 1,
	      .name = name);
}

static void timestamp(struct walk *w, const char *key, const char *label, uint32_t date,
		      uint32_t time)
{
	FIELD(.key = key, .label = label, .kind = FWNMI_FIELD_TIME,
	      .value = (uint64_t)date << 32 | time, .absent = !date && !time);
}

#define FLAGS(key, label, digits, value, table) \
	flags(w, key, label, digits, value, table, ARRAY_SIZE(table))

static void flags(struct walk *w, const char *key, const char *label, unsigned digits,
		  uint64_t value, const struct fwnmi_flag_name *table, size_t count)
{
	FIELD(.key = key, .label = label, .kind = FWNMI_FIELD_FLAGS, .digits = digits,
	      .value = value, .flags = table, .nr_flags = count);
}

static void mtms(struct walk *w, const struct fwnmi_mtms *mtms)
{
	text(w, "machine", "Machine type", mtms->machine);
	text(w, "serial", "Serial number", mtms->serial);
}

/* ---- the extended part of versions 3 to 5 ---- */

static void old_cpu(struct walk *w, const struct fwnmi_old_extended *old)
{
	FLAGS("conditions", "Conditions", 8, old->conditions, cpu_conditions);
	number(w, "cpu", "CPU", old->cpu, NULL);
	hex(w, "element", "Element", 4, old->element, NULL);
	address(w, "failing_address", "Failing address", old->failing_address_valid,
		old->failing_address);
	yes_or_no(w, "reboot_may_help", "Reboot may help", old->reboot_may_help);
}

static void old_memory(struct walk *w, const struct fwnmi_old_extended *old)
{
	FLAGS("conditions", "Conditions", 8, old->conditions, memory_conditions);
	number(w, "detecting_controller", "Detected by", old->detecting_controller, NULL);
	number(w, "faulty_controller", "Faulty controller", old->faulty_controller, NULL);
	address(w, "failing_address", "Failing address", old->failing_address_valid,
		old->failing_address);
	hex(w, "ecc_syndrome", "ECC syndrome", 4, old->ecc_syndrome, NULL);
	number(w, "card", "Memory card", old->card, NULL);
	hex(w, "sub_elements", "Sub-elements", 8, old->sub_elements, NULL);
	hex(w, "element", "Element", 4, old->element, NULL);
}

static void old_pci(struct walk *w, const char *key, const char *title,
		    const struct fwnmi_old_pci *pci)
{
	if (!pci->bus && !pci->devfn && !pci->vendor_id && !pci->device_id)
		return; /* the log does not say */
	open_group(w, key, title, 0);
	number(w, "bus", "Bus", pci->bus, NULL);
	number(w, "device", "Device", pci->devfn >> 3, NULL);
	number(w, "function", "Function", pci->devfn & 7, NULL);
	hex(w, "vendor_id", "Vendor id", 4, pci->vendor_id, NULL);
	hex(w, "device_id", "Device id", 4, pci->device_id, NULL);
	hex(w, "revision", "Revision", 2, pci->revision, NULL);
	number(w, "slot", "Slot", pci->slot, NULL);
	close_group(w);
}

static void old_io(struct walk *w, const struct fwnmi_old_extended *old)
{
	FLAGS("conditions", "Conditions", 8, old->conditions, io_conditions);
	old_pci(w, "signalling", "Signalling adapter", &old->signalling);
	old_pci(w, "sending", "Sending adapter", &old->sending);
}

static void old_post(struct walk *w, const struct fwnmi_old_extended *old)
{
	FLAGS("conditions", "Conditions", 8, old->conditions, post_conditions);
	text(w, "device", "Device", old->device);
	text(w, "error_code", "Error code", old->error_code);
	text(w, "firmware_level", "Firmware level", old->firmware_level);
	text(w, "location", "Location code", old->post_location);
}

static void old_sensor(struct walk *w, const struct fwnmi_old_extended *old)
{
	number(w, "sensor_token", "Sensor token", old->sensor_token, NULL);
	number(w, "sensor_index", "Sensor index", old->sensor_index, NULL);
}

static void old_epow(struct walk *w, const struct fwnmi_old_extended *old)
{
	unsigned action = old->sensor_value & 0x0f;

	hex(w, "sensor_value", "Sensor value", 8, old->sensor_value, NULL);
	number(w, "action", "Action", action, NAME_OF(epow_actions, action));
	FLAGS("conditions", "Conditions", 8, old->conditions, epow_conditions);
	old_sensor(w, old);
	number(w, "sensor_reading", "Sensor reading", old->sensor_reading, NULL);
	number(w, "sensor_status", "Sensor status", old->sensor_status, NULL);
}

static void old_diagnostics(struct walk *w, const struct fwnmi_old_extended *old)
{
	hex(w, "event_id", "Event id", 8, old->diagnostics_id, NULL);
}

static void old_service_processor(struct walk *w, const struct fwnmi_old_extended *old)
{
	FLAGS("conditions", "Conditions", 8, old->conditions, service_processor_conditions);
	old_sensor(w, old);
}

static void old_detail(struct walk *w, const struct fwnmi_errlog *log)
{
	static const struct {
		uint8_t format;
		const char *key, *title;
		void (*fields)(struct walk *w, const struct fwnmi_old_extended *old);
	} details[] = {
		{ FWNMI_ERRLOG_FORMAT_CPU, "cpu", "CPU", old_cpu },
		{ FWNMI_ERRLOG_FORMAT_MEMORY, "memory", "Memory", old_memory },
		{ FWNMI_ERRLOG_FORMAT_IO, "io", "I/O", old_io },
		{ FWNMI_ERRLOG_FORMAT_POST, "post", "POST", old_post },
		{ FWNMI_ERRLOG_FORMAT_EPOW, "epow", "EPOW", old_epow },
		{ FWNMI_ERRLOG_FORMAT_DIAGNOSTICS, "diagnostics", "Diagnostics", old_diagnostics },
		{ FWNMI_ERRLOG_FORMAT_SERVICE_PROCESSOR, "service_processor", "Service processor",
		  old_service_processor },
	};

	for (size_t i = 0; i < ARRAY_SIZE(details); i++) {
		if (!log->old_extended.has_detail || details[i].format != log->log_format)
			continue;
		open_group(w, details[i].key, details[i].title, 0);
		details[i].fields(w, &log->old_extended);
		close_group(w);
	}
}

static void extended(struct walk *w, const struct fwnmi_errlog *log)
{
	const struct fwnmi_old_extended *old = &log->old_extended;
	const char *format = NULL;

	if (log->has_old_extended)
		format = NAME_OF(old_formats, log->log_format);
	else if (log->log_format == FWNMI_ERRLOG_FORMAT_PLATFORM_EVENT)
		format = "platform event";

	open_group(w, "extended", "Extended log", 0);
	FLAGS("flags", "Flags", 2, log->flags, extended_flags);
	for (size_t i = 0; i < ARRAY_SIZE(extended_flags); i++)
		FIELD(.key = extended_flags[i].mask == FWNMI_ERRLOG_BIG_ENDIAN ?
				     "big_endian" :
				     extended_flags[i].name,
		      .label = extended_flags[i].name, .kind = FWNMI_FIELD_BOOL, .detail = true,
		      .value = (log->flags & extended_flags[i].mask) != 0);
	number(w, "format", "Format", log->log_format, format);
	text(w, "company", "Company", log->company);
	if (log->has_old_extended) {
		timestamp(w, "created", "Created", old->date, old->time);
		FLAGS("origin", "Origin", 2, old->origin, origin_flags);
		text(w, "locations", "Location codes", old->locations);
	}
	close_group(w);
	old_detail(w, log);
}

/* ---- sections ---- */

static void main_a(struct walk *w, const struct fwnmi_errlog *log)
{
	const struct fwnmi_main_a *main_a = &log->main_a;

	timestamp(w, "created", "Created", main_a->date, main_a->time);
	FIELD(.key = "date", .label = "Date", .kind = FWNMI_FIELD_HEX, .digits = 8,
	      .value = main_a->date, .detail = true);
	FIELD(.key = "time", .label = "Time", .kind = FWNMI_FIELD_HEX, .digits = 8,
	      .value = main_a->time, .detail = true);
	character(w, "creator", "Creator", main_a->creator,
		  NAME_OF(creators, (unsigned char)main_a->creator));
	number(w, "section_count", "Sections", main_a->section_count, NULL);
	hex(w, "platform_log_id", "Platform log id", 8, main_a->platform_log_id, NULL);
}

static void main_b(struct walk *w, const struct fwnmi_errlog *log)
{
	const struct fwnmi_main_b *main_b = &log->main_b;

	hex(w, "subsystem", "Subsystem", 2, main_b->subsystem, subsystem_name(main_b->subsystem));
	hex(w, "event_severity", "Event severity", 2, main_b->event_severity,
	    event_severity_name(main_b->event_severity));
	hex(w, "event_subtype", "Event subtype", 2, main_b->event_subtype,
	    NAME_OF(event_subtypes, main_b->event_subtype));
	FLAGS("action_flags", "Action flags", 4, main_b->action_flags, action_flags);
}

static void callout(struct walk *w, const struct fwnmi_callout *callout, unsigned index)
{
	open_group(w, "callouts", "Call-out", index);
	character(w, "priority", "Priority", callout->priority,
		  NAME_OF(priorities, (unsigned char)callout->priority));
	text(w, "location", "Location code", callout->location);
	if (callout->has_identity)
		number(w, "component", "Component", callout->component,
		       NAME_OF(components, callout->component));
	text(w, "part_number", "Part number", callout->part_number);
	text(w, "procedure", "Procedure", callout->procedure);
	text(w, "ccin", "CCIN", callout->ccin);
	text(w, "serial", "Serial number", callout->serial);
	if (callout->has_enclosure) {
		open_group(w, "enclosure", "Power controlling enclosure", 0);
		mtms(w, &callout->enclosure);
		text(w, "name", "Name", callout->enclosure_name);
		close_group(w);
	}
	for (unsigned i = 0; i < callout->nr_mrus; i++) {
		const struct fwnmi_mru *mru = &callout->mrus[i];

		open_group(w, "mrus", "Replaceable unit", i + 1);
		character(w, "priority", "Priority", mru->priority,
			  NAME_OF(priorities, (unsigned char)mru->priority));
		hex(w, "id", "Id", 8, mru->id, NULL);
		close_group(w);
	}
	close_group(w);
}

static void primary_src(struct walk *w, const struct fwnmi_errlog *log)
{
	const struct fwnmi_primary_src *src = &log->primary_src;

	FIELD(.key = "reference_code", .label = "Reference code", .kind = FWNMI_FIELD_TEXT,
	      .data = src->reference_code, .length = strlen(src->reference_code));
	FIELD(.key = "words", .label = "Words 2-9", .kind = FWNMI_FIELD_WORDS, .data = src->words,
	      .length = ARRAY_SIZE(src->words));
	for (unsigned i = 0; i < src->nr_callouts; i++)
		callout(w, &src->callouts[i], i + 1);
	if (src->callouts_damaged)
		yes_or_no(w, "callouts_damaged", "Call-outs damaged", true);
}

static void machine_check(struct walk *w, const struct fwnmi_errlog *log)
{
	const struct fwnmi_mc_section *mc = &log->mc;
	bool ue = mc->error_type == FWNMI_MC_UE;
	bool cache = mc->error_type == FWNMI_MC_SLB || mc->error_type == FWNMI_MC_ERAT ||
		     mc->error_type == FWNMI_MC_TLB;

	name(w, "error_type", "Error type", mc->error_type, fwnmi_mc_type_name(mc->error_type));
	FIELD(.key = "error_subtype", .label = "Error subtype", .kind = FWNMI_FIELD_NAME,
	      .value = mc->error_subtype,
	      .name = fwnmi_mc_subtype_name(mc->error_type, mc->error_subtype),
	      .detail = !ue && !cache && !mc->error_subtype);
	FIELD(.key = "transient", .label = "Transient", .kind = FWNMI_FIELD_BOOL,
	      .value = mc->transient, .detail = !ue);
	address(w, "effective_address", "Effective address", mc->effective_address_valid,
		mc->effective_address);
	FIELD(.key = "logical_address", .label = "Logical address", .kind = FWNMI_FIELD_HEX,
	      .digits = 16, .value = mc->logical_address, .absent = !mc->logical_address_valid,
	      .detail = !ue);
	number(w, "processor_id", "Processor id", mc->processor_id, NULL);
	hex(w, "fru_id", "FRU id", 8, mc->fru_id, NULL);
}

static void extended_section(struct walk *w, const struct fwnmi_errlog *log)
{
	const struct fwnmi_extended_section *extended = &log->extended_section;

	mtms(w, &extended->mtms);
	text(w, "firmware_version", "Firmware version", extended->firmware_version);
	text(w, "subsystem_version", "Subsystem version", extended->subsystem_version);
	timestamp(w, "event_time", "Event time", extended->date, extended->time);
	text(w, "symptom_id", "Symptom id", extended->symptom_id);
}

static void mtms_section(struct walk *w, const struct fwnmi_errlog *log)
{
	mtms(w, &log->mtms.mtms);
}

static void resource(struct walk *w, const struct fwnmi_errlog *log)
{
	const struct fwnmi_resource_section *resource = &log->resource;

	hex(w, "type", "Resource type", 2, resource->type, NAME_OF(resource_types, resource->type));
	switch (resource->type) {
	case 0x10:
		number(w, "cpu", "Logical CPU", resource->id, NULL);
		break;
	case 0x11:
		measure(w, "capacity", "Entitled capacity", resource->capacity,
			"hundredths of a CPU");
		break;
	case 0x40:
		address(w, "logical_address", "Logical address", true, resource->address);
		break;
	case 0x41:
		hex(w, "drc_index", "DRC index", 8, resource->id, NULL);
		break;
	default:
		hex(w, "id", "Id", 16, resource->address, NULL);
	}
}

static void partitions(struct walk *w, const struct fwnmi_errlog *log)
{
	const struct fwnmi_partitions_section *partitions = &log->partitions;

	number(w, "primary", "Primary partition", partitions->primary, NULL);
	hex(w, "partition_id", "Partition id", 8, partitions->id, NULL);
	text(w, "name", "Name", partitions->name);
	FIELD(.key = "targets", .label = "Partitions", .kind = FWNMI_FIELD_NUMBERS,
	      .data = partitions->targets, .length = partitions->nr_targets);
}

static void epow(struct walk *w, const struct fwnmi_errlog *log)
{
	const struct fwnmi_epow_section *epow = &log->epow;
	unsigned action = epow->sensor_value & 0x0f;

	hex(w, "sensor_value", "Sensor value", 2, epow->sensor_value, NULL);
	number(w, "action", "Action", action, NAME_OF(epow_actions, action));
	number(w, "modifier", "Modifier", epow->modifier, NAME_OF(epow_modifiers, epow->modifier));
	if (epow->header.version >= 2 && action == 3)
		number(w, "scope", "Scope", epow->extended_modifier,
		       epow->extended_modifier == 0 ? "system" :
		       epow->extended_modifier == 1 ? "partition" :
						      NULL);
	hex(w, "reason_code", "Reason code", 16, epow->reason_code, NULL);
}

static void io_event(struct walk *w, const struct fwnmi_errlog *log)
{
	const struct fwnmi_io_event_section *io = &log->io_event;

	number(w, "type", "Event type", io->type, NAME_OF(io_types, io->type));
	hex(w, "scope", "Scope", 2, io->scope, NAME_OF(io_scopes, io->scope));
	number(w, "subtype", "Event subtype", io->subtype, NAME_OF(io_subtypes, io->subtype));
	hex(w, "drc_index", "DRC index", 8, io->drc_index, NULL);
	if (io->data_length > 0)
		FIELD(.key = "data", .label = "Data", .kind = FWNMI_FIELD_BYTES, .data = io->data,
		      .length = io->data_length);
}

static void hot_plug(struct walk *w, const struct fwnmi_errlog *log)
{
	const struct fwnmi_hot_plug_section *hot_plug = &log->hot_plug;
	uint8_t by = hot_plug->identifier;

	number(w, "type", "Resource type", hot_plug->type, NAME_OF(hot_plug_types, hot_plug->type));
	number(w, "action", "Action", hot_plug->action,
	       NAME_OF(hot_plug_actions, hot_plug->action));
	number(w, "identifier", "Identified by", by, NAME_OF(hot_plug_identifiers, by));
	FLAGS("capabilities", "Capabilities", 2, hot_plug->capabilities, hot_plug_flags);
	if (by == BY_DRC_NAME)
		text(w, "drc_name", "DRC name", hot_plug->drc_name);
	if (by == BY_DRC_INDEX || by == BY_COUNT_FROM_INDEX)
		hex(w, "drc_index", "DRC index", 8, hot_plug->drc_index, NULL);
	if (by == BY_COUNT || by == BY_COUNT_FROM_INDEX)
		number(w, "count", "Count", hot_plug->count, NULL);
	if (hot_plug->has_token)
		hex(w, "token", "Token", 8, hot_plug->token, NULL);
}

static void dump(struct walk *w, const struct fwnmi_errlog *log)
{
	const struct fwnmi_dump_section *dump = &log->dump;
	const uint8_t *end;

	number(w, "kind", "Kind", dump->header.subtype, NAME_OF(dump_kinds, dump->header.subtype));
	hex(w, "id", "Dump id", 8, dump->id, NULL);
	FLAGS("flags", "Flags", 2, dump->flags, dump_flags);
	if (dump->flags & 0x20)
		measure(w, "size", "Size", dump->size, "bytes");
	if (dump->name_length == 0)
		return;
	end = memchr(dump->name, '\0', dump->name_length);
	if (dump->flags & 0x40)
		FIELD(.key = "name", .label = "File name", .kind = FWNMI_FIELD_BYTES,
		      .data = dump->name, .length = dump->name_length);
	else
		FIELD(.key = "name", .label = "File name", .kind = FWNMI_FIELD_TEXT,
		      .data = dump->name,
		      .length = end ? (size_t)(end - dump->name) : dump->name_length);
}

static void all_sections(struct walk *w, const struct fwnmi_errlog *log)
{
	const struct {
		bool has;
		const char *key, *title;
		void (*fields)(struct walk *w, const struct fwnmi_errlog *log);
	} parts[] = {
		{ log->has_main_a, "main_a", "Main-A (PH)", main_a },
		{ log->has_main_b, "main_b", "Main-B (UH)", main_b },
		{ log->has_primary_src, "primary_src", "Primary SRC (PS)", primary_src },
		{ log->has_extended_section, "extended_header", "Extended header (EH)",
		  extended_section },
		{ log->has_mtms, "enclosure", "Failing enclosure (MT)", mtms_section },
		{ log->has_resource, "resource", "Logical resource (LR)", resource },
		{ log->has_partitions, "partitions", "Impacted partitions (LP)", partitions },
		{ log->has_epow, "epow", "EPOW (EP)", epow },
		{ log->has_io_event, "io_event", "I/O event (IE)", io_event },
		{ log->has_hot_plug, "hot_plug", "Hot plug (HP)", hot_plug },
		{ log->has_dump, "dump", "Dump locator (DH)", dump },
		{ log->has_mc, "machine_check", "Machine check (MC)", machine_check },
	};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (!parts[i].has)
			continue;
		open_group(w, parts[i].key, parts[i].title, 0);
		parts[i].fields(w, log);
		close_group(w);
	}
}

/* ---- the log ---- */

void fwnmi_errlog_visit_parts(const struct fwnmi_errlog *log,
			      const struct fwnmi_errlog_visitor *visitor, void *opaque)
{
	struct walk walk = { visitor, opaque }, *w = &walk;

	number(w, "version", "Version", log->version ? log->version : FWNMI_ERRLOG_VERSION, NULL);
	name(w, "severity", "Severity", log->severity, fwnmi_severity_name(log->severity));
	name(w, "disposition", "Disposition", log->disposition,
	     fwnmi_disposition_name(log->disposition));
	name(w, "initiator", "Initiator", log->initiator, fwnmi_initiator_name(log->initiator));
	name(w, "target", "Target", log->target, fwnmi_initiator_name(log->target));
	name(w, "type", "Type", log->type, fwnmi_event_type_name(log->type));
	if (!log->has_extended && log->type == FWNMI_EVENT_PLATFORM_RESOURCE_REASSIGNMENT)
		number(w, "change_scope", "Change scope", log->extended_length, NULL);
	else
		FIELD(.key = "extended_length", .label = "Extended log", .kind = FWNMI_FIELD_NUMBER,
		      .value = log->extended_length, .unit = "bytes", .absent = !log->has_extended);
	if (log->missing)
		measure(w, "missing", "Missing", log->missing, "bytes");
	if (log->has_extended_header)
		extended(w, log);
	all_sections(w, log);
}

bool fwnmi_section_is_cut(const struct fwnmi_errlog *log, unsigned index)
{
	const struct fwnmi_section *section = &log->sections[index];

	return section->offset + (uint32_t)section->length + log->missing >
	       FWNMI_ERRLOG_FIXED_SIZE + log->extended_length;
}

void fwnmi_errlog_visit(const struct fwnmi_errlog *log, const struct fwnmi_errlog_visitor *visitor,
			void *opaque)
{
	struct walk walk = { visitor, opaque }, *w = &walk;

	if (!log || !visitor || !visitor->open || !visitor->close || !visitor->field)
		return;
	fwnmi_errlog_visit_parts(log, visitor, opaque);
	for (unsigned i = 0; i < log->nr_sections; i++) {
		const struct fwnmi_section *section = &log->sections[i];
		const char id[2] = { (char)(section->id >> 8), (char)section->id };

		open_group(w, "sections", "Section", i + 1);
		FIELD(.key = "id", .label = "Id", .kind = FWNMI_FIELD_TEXT, .data = id,
		      .length = sizeof(id), .name = fwnmi_section_name(section->id));
		number(w, "offset", "Offset", section->offset, NULL);
		number(w, "length", "Length", section->length, NULL);
		if (fwnmi_section_is_cut(log, i))
			yes_or_no(w, "cut", "Cut short", true);
		close_group(w);
	}
}
