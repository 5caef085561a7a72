<?php
// Runs what the OpenCart modules do in a shop, with stand-ins for its registry and its database:
// php opencart_shop.php <shop.php>; steps come as JSON on the standard input, what each answered and what waits to be sent goes out as JSON.
error_reporting( E_ALL );
set_error_handler( static function ( $level, $message, $file, $line ) {
	throw new ErrorException( $message, 0, $level, $file, $line );
} );
define( 'VERSION', '4.1.0.3' );
define( 'DB_PREFIX', 'oc_' );
define( 'HTTP_SERVER', 'https://shop.example/' );
require $argv[1];

$given = json_decode( stream_get_contents( STDIN ), true );

// Understands the statements of the modules and no others.
class Database {
	public $orders = array();
	public $queue  = array();
	public function escape( $text ) { return addslashes( $text ); }
	public function query( $sql ) {
		preg_match( '/^(REPLACE INTO|INSERT IGNORE INTO|UPDATE|SELECT .* FROM) `oc_(\w+)`/', $sql, $found );
		preg_match_all( "/`(\w+)` = '((?:\\\\.|[^'\\\\])*)'/s", $sql, $pairs );
		$said = array_map( 'stripslashes', array_combine( $pairs[1], $pairs[2] ) );
		$rows = array();
		switch ( $found[2] ) {
			case 'kartoteka_order':
				if ( 'SELECT * FROM' === $found[1] ) {
					$rows = array_intersect_key( $this->orders, array( $said['order_id'] => 1 ) );
				} else {
					$before = 'UPDATE' === $found[1] ? $this->orders[ $said['order_id'] ] : array( 'told' => '' );
					$this->orders[ $said['order_id'] ] = $said + $before;
				}
				break;
			case 'kartoteka_queue':
				if ( 'INSERT IGNORE INTO' === $found[1] ) {
					$this->queue[] = json_decode( $said['message'], true );
				}
				break;
			case 'order':
				$rows = array( $GLOBALS['given']['order'] );
				break;
			case 'order_product':
			case 'order_total':
				break;
			default:
				throw new Exception( "No such table: $sql" );
		}
		$rows = array_values( $rows );
		return (object) array( 'rows' => $rows, 'row' => $rows ? $rows[0] : array() );
	}
}
class Customer {
	public $id = '';
	public function isLogged() { return '' !== $this->id; }
	public function getId() { return $this->id; }
	public function __call( $name, $arguments ) { return 'getEmail' === $name ? 'anna@example.kz' : 'Anna'; }
}
class Shop {
	public $parts;
	public function get( $name ) { return $this->parts[ $name ]; }
}
class Config {
	public function get( $name ) {
		$known = array( 'module_kartoteka_status' => '1', 'config_processing_status' => array( '2' ), 'config_complete_status' => array( '5' ) );
		return isset( $known[ $name ] ) ? $known[ $name ] : null;
	}
}
class Catalogue {
	public function model( $name ) {}
	public function getProduct( $id ) { return array( 'product_id' => $id, 'sku' => 'KET-1', 'name' => 'Kettle', 'price' => '25', 'special' => '0', 'tax_class_id' => 0 ); }
	public function calculate( $price, ...$rest ) { return $price; }
	public function format( $price, ...$rest ) { return $price; }
	public function getOutput() { return '{"success":"yes"}'; }
	public function getProducts() { return array(); }
	public function write( $line ) { throw new Exception( $line ); }
}

$catalogue = new Catalogue();
$shop      = new Shop();
$shop->parts = array(
	'db'       => new Database(),
	'customer' => new Customer(),
	'config'   => new Config(),
	'session'  => (object) array( 'data' => array( 'currency' => 'KZT' ) ),
	'request'  => (object) array( 'get' => array(), 'post' => array() ),
) + array_fill_keys( array( 'load', 'model_catalog_product', 'tax', 'currency', 'response', 'cart', 'log' ), $catalogue );

$steps = array(
	'cookies'  => static function ( $said ) { $_COOKIE = $said; },
	'signs in' => static function ( $id ) use ( $shop ) { $shop->parts['customer']->id = $id; },
	'sees'     => static function () use ( $shop ) { return kartoteka_calls( $shop ); },
	'adds'     => static function ( $id ) use ( $shop ) {
		$shop->parts['request']->post = array( 'product_id' => $id );
		kartoteka_added( $shop );
	},
	'orders'   => static function ( $id, $route ) use ( $shop ) {
		$shop->parts['request']->get = array( 'route' => $route );
		kartoteka_ordered( $shop, $id );
	},
	'becomes'  => static function ( $id, $status ) use ( $shop ) { kartoteka_history( $shop, $id, $status ); },
);
$answers = array();
foreach ( $given['steps'] as $step ) {
	$answers[] = call_user_func_array( $steps[ $step[0] ], array_slice( $step, 1 ) );
}
echo json_encode( array( 'answers' => $answers, 'queue' => $shop->parts['db']->queue, 'orders' => $shop->parts['db']->orders ) );
