#!/usr/bin/perl
# Opens https://HOST/ for each HOST with IO::Socket::SSL and checks the whole chain by OCSP.
use strict;
use warnings;
use IO::Socket::SSL;

my ($ca, @hosts) = @ARGV;
for my $host (@hosts) {
    my $socket = IO::Socket::SSL->new(
        PeerHost        => $host,
        PeerPort        => 443,
        SSL_ca_file     => $ca,
        SSL_version     => 'TLSv1_2',
        SSL_ocsp_mode   => SSL_OCSP_FULL_CHAIN,
    ) or do { print "none $host $SSL_ERROR\n"; next };
    my $resolver = $socket->ocsp_resolver;
    my $errors   = $resolver->resolve_blocking(timeout => 5);
    if ($errors) {
        print "none $host $errors\n";
        close $socket;
        next;
    }
    my $soft = $resolver->soft_error;
    print "soft $host $soft\n" if $soft;
    print $socket "GET / HTTP/1.0\r\nHost: $host\r\n\r\n";
    my $page = join '', <$socket>;
    print "page ", (split /\r\n\r\n/, $page)[1];
    close $socket;
    select undef, undef, undef, 0.4;
}
