-- A department's table, invented: what residence_permits.yaml reads, with a role that may only read it.
CREATE TABLE permit (
    permit_no text PRIMARY KEY,
    holder_name text NOT NULL,
    holder_id text NOT NULL,
    salt bytea NOT NULL,
    district_name text NOT NULL,
    since date NOT NULL,
    valid_until char(8) NOT NULL,
    cancelled timestamptz,
    changed timestamptz NOT NULL DEFAULT now()
);
INSERT INTO permit (permit_no, holder_name, holder_id, salt, district_name, since, valid_until) VALUES
    ('JZ-0001', '周晓岚', '370102199503070000', '\x00112233445566778899aabbccddeeff', '历下区', '2021-09-01', '20270831'),
    ('JZ-0002', '林远航', '370102199311240000', '\xffeeddccbbaa99887766554433221100', '市中区', '2019-03-15', '20280314');
