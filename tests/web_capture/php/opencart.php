<?php
// Runs the pure functions of the OpenCart modules: php opencart.php <messages.php> <function>, its arguments as JSON on the standard input.
error_reporting( E_ALL );
define( 'VERSION', '4.1.0.3' );
require $argv[1];
echo json_encode( call_user_func_array( $argv[2], json_decode( stream_get_contents( STDIN ), true ) ) );
