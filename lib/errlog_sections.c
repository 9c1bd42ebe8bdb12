/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decodes the parts of an RTAS event log that fwnmi never writes: the sections that a service
 * processor adds to a version 6 log, with its FRU call outs, and the extended part of versions 3 to
 * 5. LoPAR chapter "RTAS Error/Event Return Format". Offsets are from the start of the part or
 * section. The caller bounds each length; nothing here reads past it.
 */
#include <string.h>

#include "bytes.h"
#include "errlog_sections.h"

enum {
	SRC_FIXED_SIZE = 80,
	SRC_HAS_SUBSECTIONS = 0x01, /* SRC flags */
	SUBSECTION_HEADER_SIZE = 4,
	SUBSECTION_CALLOUTS = 0xc0,
	CALLOUT_FIXED_SIZE = 4,
	SUBSTRUCTURE_HEADER_SIZE = 4,

	IDENTITY_PART_NUMBER = 0x08, /* flags of an identity */
	IDENTITY_CCIN = 0x04,
	IDENTITY_PROCEDURE = 0x02,
	IDENTITY_SERIAL = 0x01,

	MTMS_SIZE = 20,

	HOT_PLUG_NAME = 1,
	HOT_PLUG_INDEX = 2,
	HOT_PLUG_COUNT = 3,
	HOT_PLUG_COUNT_FROM_INDEX = 4,
	HOT_PLUG_TOKEN = 0x80, /* capabilities */

	OLD_HEADER_SIZE = 12,
	OLD_DETAIL_SIZE = 40, /* including the header */
	OLD_NO_ADDRESS = 0x10, /* byte 2 */
};

void fwnmi_errlog_get_header(struct fwnmi_section_header *header, const uint8_t *p)
{
	header->version = p[4];
	header->subtype = p[5];
	header->creator_component = get_be16(p + 6);
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Copies up to a NUL, without trailing blanks. @to has room for one more than @length. */
static void get_text(char *to, const uint8_t *from, size_t length)
{
	const uint8_t *nul = memchr(from, '\0', length);

	if (nul)
		length = (size_t)(nul - from);
	while (length > 0 && from[length - 1] == ' ')
		length--;
	memcpy(to, from, length);
	to[length] = '\0';
}

static void get_mtms(struct fwnmi_mtms *mtms, const uint8_t *p)
{
	get_text(mtms->machine, p, 8);
	get_text(mtms->serial, p + 8, 12);
}

/* ---- FRU call outs ---- */

/* Takes a field of this size if @flags has @flag; false if the field is missing. */
static bool take(char *to, uint8_t flags, uint8_t flag, size_t size, const uint8_t **p,
		 size_t *length)
{
	if (!(flags & flag))
		return true;
	if (*length < size)
		return false;
	get_text(to, *p, size);
	*p += size;
	*length -= size;
	return true;
}

static bool get_identity(struct fwnmi_callout *callout, const uint8_t *p, size_t length)
{
	uint8_t flags = p[3];

	callout->has_identity = true;
	callout->component = flags >> 4;
	p += SUBSTRUCTURE_HEADER_SIZE;
	length -= SUBSTRUCTURE_HEADER_SIZE;
	if (flags & IDENTITY_PART_NUMBER)
		flags &= (uint8_t)~IDENTITY_PROCEDURE; /* both share one field */
	return take(callout->part_number, flags, IDENTITY_PART_NUMBER, 8, &p, &length) &&
	       take(callout->procedure, flags, IDENTITY_PROCEDURE, 8, &p, &length) &&
	       take(callout->ccin, flags, IDENTITY_CCIN, 4, &p, &length) &&
	       take(callout->serial, flags, IDENTITY_SERIAL, 12, &p, &length);
}

static bool get_enclosure(struct fwnmi_callout *callout, const uint8_t *p, size_t length)
{
	if (length < SUBSTRUCTURE_HEADER_SIZE + MTMS_SIZE)
		return false;
	callout->has_enclosure = true;
	get_mtms(&callout->enclosure, p + SUBSTRUCTURE_HEADER_SIZE);
	p += SUBSTRUCTURE_HEADER_SIZE + MTMS_SIZE;
	length -= SUBSTRUCTURE_HEADER_SIZE + MTMS_SIZE;
	get_text(callout->enclosure_name, p, smaller(length, 32));
	return true;
}

/* Four reserved bytes, then 8 bytes for each MRU: three reserved, the priority, the id. */
static bool get_mrus(struct fwnmi_callout *callout, const uint8_t *p, size_t length)
{
	unsigned count = p[3] & 0x0f;

	if (length < SUBSTRUCTURE_HEADER_SIZE + 4 + 8 * (size_t)count)
		return false;
	p += SUBSTRUCTURE_HEADER_SIZE + 4;
	for (unsigned i = 0; i < count; i++, p += 8)
		callout->mrus[i] = (struct fwnmi_mru){ (char)p[3], get_be32(p + 4) };
	callout->nr_mrus = count;
	return true;
}

static bool get_substructures(struct fwnmi_callout *callout, const uint8_t *p, size_t length)
{
	static const struct {
		char id[2];
		bool (*get)(struct fwnmi_callout *callout, const uint8_t *p, size_t length);
	} known[] = {
		{ { 'I', 'D' }, get_identity },
		{ { 'P', 'E' }, get_enclosure },
		{ { 'M', 'R' }, get_mrus },
	};

	while (length >= SUBSTRUCTURE_HEADER_SIZE) {
		size_t size = p[2];

		if (size < SUBSTRUCTURE_HEADER_SIZE || size > length)
			return false;
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (memcmp(p, known[i].id, 2) == 0 && !known[i].get(callout, p, size))
				return false;
		p += size;
		length -= size;
	}
	return true;
}

/* One call out of @length bytes. */
static bool get_callout(struct fwnmi_callout *callout, const uint8_t *p, size_t length)
{
	size_t location = p[3];

	callout->priority = (char)p[2];
	if (location > length - CALLOUT_FIXED_SIZE || location > sizeof(callout->location) - 1)
		return false;
	p += CALLOUT_FIXED_SIZE;
	get_text(callout->location, p, location);
	return get_substructures(callout, p + location, length - CALLOUT_FIXED_SIZE - location);
}

void fwnmi_errlog_get_callouts(struct fwnmi_primary_src *src, const uint8_t *p, size_t length)
{
	size_t stated;

	if (!(src->src_flags & SRC_HAS_SUBSECTIONS))
		return;
	src->callouts_damaged = true;
	if (length < SRC_FIXED_SIZE + SUBSECTION_HEADER_SIZE)
		return;
	p += SRC_FIXED_SIZE;
	length -= SRC_FIXED_SIZE;
	if (p[0] != SUBSECTION_CALLOUTS) {
		src->callouts_damaged = false; /* a subsection of an unknown kind */
		return;
	}
	stated = 4 * (size_t)get_be16(p + 2);
	if (stated < SUBSECTION_HEADER_SIZE)
		return;
	src->callouts_damaged = stated > length;
	length = smaller(stated, length) - SUBSECTION_HEADER_SIZE;
	p += SUBSECTION_HEADER_SIZE;

	while (length >= CALLOUT_FIXED_SIZE && src->nr_callouts < FWNMI_MAX_CALLOUTS) {
		size_t size = p[0];

		if (size == 0)
			return; /* padding of the last word */
		if (size < CALLOUT_FIXED_SIZE || size > length ||
		    !get_callout(&src->callouts[src->nr_callouts++], p, size)) {
			src->callouts_damaged = true;
			return;
		}
		p += size;
		length -= size;
	}
}

/* ---- sections ---- */

static void get_extended_section(struct fwnmi_errlog *log, const uint8_t *p, size_t length)
{
	struct fwnmi_extended_section *extended = &log->extended_section;

	fwnmi_errlog_get_header(&extended->header, p);
	get_mtms(&extended->mtms, p + 0x08);
	get_text(extended->firmware_version, p + 0x1c, 16);
	get_text(extended->subsystem_version, p + 0x2c, 16);
	extended->date = get_be32(p + 0x40);
	extended->time = get_be32(p + 0x44);
	get_text(extended->symptom_id, p + 0x4c, smaller(p[0x4b], length - 0x4c));
}

static void get_mtms_section(struct fwnmi_errlog *log, const uint8_t *p, size_t length)
{
	(void)length;
	fwnmi_errlog_get_header(&log->mtms.header, p);
	get_mtms(&log->mtms.mtms, p + 0x08);
}

static void get_resource(struct fwnmi_errlog *log, const uint8_t *p, size_t length)
{
	struct fwnmi_resource_section *resource = &log->resource;

	(void)length;
	fwnmi_errlog_get_header(&resource->header, p);
	resource->type = p[0x08];
	resource->capacity = get_be16(p + 0x0a);
	resource->id = get_be32(p + 0x0c);
	resource->address = get_be64(p + 0x0c);
}

static void get_partitions(struct fwnmi_errlog *log, const uint8_t *p, size_t length)
{
	struct fwnmi_partitions_section *partitions = &log->partitions;
	size_t name = smaller(p[0x0a], length - 0x10);
	size_t targets = smaller(p[0x0b], (length - 0x10 - name) / 2);

	fwnmi_errlog_get_header(&partitions->header, p);
	partitions->primary = get_be16(p + 0x08);
	partitions->id = get_be32(p + 0x0c);
	get_text(partitions->name, p + 0x10, name);
	for (size_t i = 0; i < targets; i++)
		partitions->targets[i] = get_be16(p + 0x10 + name + 2 * i);
	partitions->nr_targets = (unsigned)targets;
}

static void get_epow(struct fwnmi_errlog *log, const uint8_t *p, size_t length)
{
	(void)length;
	fwnmi_errlog_get_header(&log->epow.header, p);
	log->epow.sensor_value = p[0x08];
	log->epow.modifier = p[0x09] & 0x0f;
	log->epow.extended_modifier = p[0x0a];
	log->epow.reason_code = get_be64(p + 0x0c);
}

static void get_io_event(struct fwnmi_errlog *log, const uint8_t *p, size_t length)
{
	struct fwnmi_io_event_section *io = &log->io_event;

	fwnmi_errlog_get_header(&io->header, p);
	io->type = p[0x08];
	io->scope = p[0x0a];
	io->subtype = p[0x0b];
	io->drc_index = get_be32(p + 0x0c);
	io->data_length = (unsigned)smaller(length - 0x10, sizeof(io->data));
	memcpy(io->data, p + 0x10, io->data_length);
}

static void get_hot_plug(struct fwnmi_errlog *log, const uint8_t *p, size_t length)
{
	struct fwnmi_hot_plug_section *hot_plug = &log->hot_plug;

	fwnmi_errlog_get_header(&hot_plug->header, p);
	hot_plug->type = p[0x08];
	hot_plug->action = p[0x09];
	hot_plug->identifier = p[0x0a];
	hot_plug->capabilities = p[0x0b];
	if (hot_plug->capabilities & HOT_PLUG_TOKEN && length >= 0x10 + 4) {
		length -= 4;
		hot_plug->has_token = true;
		hot_plug->token = get_be32(p + length);
	}
	if (hot_plug->identifier == HOT_PLUG_NAME)
		get_text(hot_plug->drc_name, p + 0x0c,
			 smaller(length - 0x0c, sizeof(hot_plug->drc_name) - 1));
	else if (hot_plug->identifier == HOT_PLUG_INDEX)
		hot_plug->drc_index = get_be32(p + 0x0c);
	else
		hot_plug->count = get_be32(p + 0x0c);
	if (hot_plug->identifier == HOT_PLUG_COUNT_FROM_INDEX && length >= 0x14)
		hot_plug->drc_index = get_be32(p + 0x10);
}

static void get_dump(struct fwnmi_errlog *log, const uint8_t *p, size_t length)
{
	struct fwnmi_dump_section *dump = &log->dump;

	(void)length;
	fwnmi_errlog_get_header(&dump->header, p);
	dump->id = get_be32(p + 0x08);
	dump->flags = p[0x0c];
	dump->size = get_be64(p + 0x10);
	dump->name_length = (unsigned)smaller(p[0x0f], sizeof(dump->name));
	memcpy(dump->name, p + 0x18, dump->name_length);
}

#define SECTION(id, size, has, get)                               \
	{                                                         \
		id, size, offsetof(struct fwnmi_errlog, has), get \
	}

void fwnmi_errlog_get_section(struct fwnmi_errlog *log, const uint8_t *p, uint16_t id,
			      size_t length)
{
	static const struct {
		uint16_t id;
		uint16_t size; /* minimum size of this kind of section */
		size_t has; /* offset of its has_* in struct fwnmi_errlog */
		void (*get)(struct fwnmi_errlog *log, const uint8_t *p, size_t length);
	} known[] = {
		SECTION(FWNMI_SECTION_EXTENDED, 76, has_extended_section, get_extended_section),
		SECTION(FWNMI_SECTION_MTMS, 28, has_mtms, get_mtms_section),
		SECTION(FWNMI_SECTION_RESOURCE, 20, has_resource, get_resource),
		SECTION(FWNMI_SECTION_PARTITIONS, 16, has_partitions, get_partitions),
		SECTION(FWNMI_SECTION_EPOW, 20, has_epow, get_epow),
		SECTION(FWNMI_SECTION_IO_EVENT, 16, has_io_event, get_io_event),
		SECTION(FWNMI_SECTION_HOT_PLUG, 16, has_hot_plug, get_hot_plug),
		SECTION(FWNMI_SECTION_DUMP, 64, has_dump, get_dump),
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		bool *has = (bool *)((unsigned char *)log + known[i].has);

		if (known[i].id != id || length < known[i].size || *has)
			continue;
		*has = true;
		known[i].get(log, p, length);
	}
}

/* ---- versions 3 to 5 ---- */

static void get_old_cpu(struct fwnmi_old_extended *old, const uint8_t *p)
{
	old->conditions = (uint32_t)p[12] << 24;
	old->cpu = p[13];
	old->element = get_be16(p + 14);
	old->failing_address_valid = !(p[2] & OLD_NO_ADDRESS);
	old->failing_address = get_be64(p + 16);
	old->reboot_may_help = p[24] & 0x80;
}

static void get_old_memory(struct fwnmi_old_extended *old, const uint8_t *p)
{
	old->conditions = (uint32_t)get_be16(p + 12) << 16;
	old->detecting_controller = p[14];
	old->faulty_controller = p[15];
	old->failing_address_valid = !(p[2] & OLD_NO_ADDRESS);
	old->failing_address = get_be64(p + 16);
	old->ecc_syndrome = get_be16(p + 24);
	old->card = p[26];
	old->sub_elements = get_be32(p + 28);
	old->element = get_be16(p + 32);
}

static struct fwnmi_old_pci get_old_pci(const uint8_t *p)
{
	return (struct fwnmi_old_pci){
		.bus = p[0],
		.devfn = p[1],
		.device_id = get_be16(p + 2),
		.vendor_id = get_be16(p + 4),
		.revision = p[6],
		.slot = p[7],
	};
}

static void get_old_io(struct fwnmi_old_extended *old, const uint8_t *p)
{
	old->conditions = (uint32_t)get_be16(p + 12) << 16;
	old->signalling = get_old_pci(p + 14);
	old->sending = get_old_pci(p + 22);
}

static void get_old_post(struct fwnmi_old_extended *old, const uint8_t *p)
{
	old->conditions = (uint32_t)get_be16(p + 12) << 16;
	get_text(old->device, p + 14, 12);
	get_text(old->error_code, p + 26, 4);
	get_text(old->firmware_level, p + 30, 2);
	get_text(old->post_location, p + 32, 8);
}

static void get_old_epow(struct fwnmi_old_extended *old, const uint8_t *p)
{
	old->sensor_value = get_be32(p + 12);
	old->conditions = (uint32_t)get_be16(p + 16) << 16;
	old->sensor_token = get_be32(p + 20);
	old->sensor_index = get_be32(p + 24);
	old->sensor_reading = get_be32(p + 28);
	old->sensor_status = get_be32(p + 32);
}

static void get_old_diagnostics(struct fwnmi_old_extended *old, const uint8_t *p)
{
	old->diagnostics_id = get_be32(p + 12);
}

static void get_old_service_processor(struct fwnmi_old_extended *old, const uint8_t *p)
{
	old->conditions = get_be32(p + 16);
	old->sensor_token = get_be32(p + 20);
	old->sensor_index = get_be32(p + 24);
}

static void (*const old_formats[16])(struct fwnmi_old_extended *old, const uint8_t *p) = {
	[FWNMI_ERRLOG_FORMAT_CPU] = get_old_cpu,
	[FWNMI_ERRLOG_FORMAT_MEMORY] = get_old_memory,
	[FWNMI_ERRLOG_FORMAT_IO] = get_old_io,
	[FWNMI_ERRLOG_FORMAT_POST] = get_old_post,
	[FWNMI_ERRLOG_FORMAT_EPOW] = get_old_epow,
	[FWNMI_ERRLOG_FORMAT_DIAGNOSTICS] = get_old_diagnostics,
	[FWNMI_ERRLOG_FORMAT_SERVICE_PROCESSOR] = get_old_service_processor,
};

void fwnmi_errlog_get_old(struct fwnmi_errlog *log, const uint8_t *p, size_t length)
{
	struct fwnmi_old_extended *old = &log->old_extended;

	if (length < OLD_HEADER_SIZE)
		return;
	log->has_extended_header = log->has_old_extended = true;
	log->flags = p[0];
	log->log_format = p[2] & 0x0f;
	old->origin = p[3];
	old->time = get_be32(p + 4);
	old->date = get_be32(p + 8);
	if (length < OLD_DETAIL_SIZE)
		return;
	if (old_formats[log->log_format]) {
		old->has_detail = true;
		old_formats[log->log_format](old, p);
	}
	if (length < OLD_DETAIL_SIZE + 4)
		return;
	memcpy(log->company, p + OLD_DETAIL_SIZE, 4);
	if (memcmp(p + OLD_DETAIL_SIZE, "IBM", 4) == 0)
		get_text(old->locations, p + OLD_DETAIL_SIZE + 4,
			 smaller(length - OLD_DETAIL_SIZE - 4, sizeof(old->locations) - 1));
}
